package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"syscall"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
)

// held is what the simulator has beyond the inventory that it started with.
type held struct {
	VMs       []string `json:"vms"`
	Templates []string `json:"templates"`
	Folders   []string `json:"folders"`
	Others    []string `json:"others"`
	Libraries []string `json:"libraries"`
	Items     []string `json:"library_items"`
	Leases    []string `json:"leases"`
	Machines  []string `json:"machines"`
	Files     []string `json:"files"`
}

// serveControl is the tests' own door. It asks for no password: it is there on loopback only.
func (v *vcenter) serveControl(w http.ResponseWriter, r *http.Request) {
	var err error
	switch action := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/_simulator/"); action {
	case "GET serial": // of this inventory: another one after a reset
		_, err = io.WriteString(w, v.serial)
	case "GET held":
		var held held
		if held, err = v.held(); err == nil {
			w.Header().Set("Content-Type", "application/json")
			err = json.NewEncoder(w).Encode(held)
		}
	case "POST faults":
		added := &rule{Count: 1}
		if err = json.NewDecoder(r.Body).Decode(added); err == nil && !added.valid() {
			http.Error(w, "no such fault: "+added.Fault, http.StatusBadRequest)
			return
		}
		v.rules.add(added)
	case "DELETE faults":
		v.rules.clear()
	case "POST settings":
		v.settings.mu.Lock()
		err = json.NewDecoder(r.Body).Decode(&v.settings.settingValues)
		v.settings.mu.Unlock()
		v.showFreeSpace()
	case "POST sessions/end":
		v.endSessions()
	case "POST reset":
		err = syscall.Kill(syscall.Getpid(), syscall.SIGHUP)
	default:
		http.NotFound(w, r)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (v *vcenter) held() (held, error) {
	empty := []string{}
	h := held{VMs: empty, Templates: empty, Folders: empty, Others: empty, Leases: empty, Machines: empty}
	for _, entity := range simulator.Map.All("") {
		if v.initial[entity.Reference()] {
			continue
		}
		name := entityName(entity)
		switch entity := entity.(type) {
		case *simulator.VirtualMachine:
			if entity.Config.Template {
				h.Templates = append(h.Templates, name)
			} else {
				h.VMs = append(h.VMs, name)
			}
		case *simulator.Folder:
			h.Folders = append(h.Folders, name)
		default:
			h.Others = append(h.Others, entity.Reference().Type+" "+name)
		}
	}
	v.leases.Range(func(lease, _ interface{}) bool {
		h.Leases = append(h.Leases, lease.(*HttpNfcLease).vm.Name)
		return true
	})
	v.machines.mu.Lock()
	for _, machine := range v.machines.running {
		h.Machines = append(h.Machines, machine.vm.Name)
	}
	v.machines.mu.Unlock()
	h.Files = append(empty, strays()...)
	libraries, items, err := v.libraryItems()
	h.Libraries, h.Items = append(empty, libraries...), append(empty, items...)
	return h, err
}

func entityName(entity mo.Entity) string {
	return entity.Entity().Name
}
