package main

import (
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/ovf"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

const (
	nfcPath   = "/nfc/"
	nvramSize = 8684 // that of a real one; its content is of no use elsewhere
)

// HttpNfcLease lets a client download or upload the files of one machine. The library finds properties and methods by
// the Go name of the type.
type HttpNfcLease struct {
	mo.HttpNfcLease

	vcenter *vcenter
	vm      *simulator.VirtualMachine
	imports bool
	files   map[string]*leased // by the last part of the URL
	alarm   *time.Timer
	mu      sync.Mutex
	sums    []types.HttpNfcLeaseManifestEntry
}

type leased struct {
	key  string
	disk *types.VirtualDisk // nil: not a disk
	path string             // what a download gets
}

func (v *vcenter) leaseVerbs() {
	on(v, func(request *types.ExportVm) (interface{}, error) {
		vm, err := find(request.This)
		if err != nil {
			return nil, err
		}
		if vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff {
			return nil, fault{&types.InvalidPowerState{
				RequestedState: types.VirtualMachinePowerStatePoweredOff, ExistingState: vm.Runtime.PowerState,
			}, "The attempted operation cannot be performed in the current state (Powered on)."}
		}
		return &types.ExportVmResponse{Returnval: v.export(vm).Self}, nil
	})
	on(v, func(request *types.ImportVApp) (interface{}, error) {
		lease, err := v.importMachine(request)
		if err != nil {
			return nil, err
		}
		return &types.ImportVAppResponse{Returnval: lease.Self}, nil
	})
	on(v, func(request *types.CreateImportSpec) (interface{}, error) {
		envelope, err := ovf.Unmarshal(strings.NewReader(request.OvfDescriptor))
		if err != nil || envelope.VirtualSystem == nil || len(envelope.VirtualSystem.VirtualHardware) == 0 {
			return nil, fault{&types.InvalidArgument{InvalidProperty: "ovfDescriptor"},
				"A specified parameter was not correct: ovfDescriptor"}
		}
		return methods.CreateImportSpec(background, v.service, request)
	})
	on(v, func(request *types.CreateDescriptor) (interface{}, error) {
		vm, err := find(request.Obj)
		if err != nil {
			return nil, err
		}
		return &types.CreateDescriptorResponse{Returnval: types.OvfCreateDescriptorResult{
			OvfDescriptor: descriptor(vm, request.Cdp), IncludeImageFiles: types.NewBool(false),
		}}, nil
	})
}

func (v *vcenter) newLease(vm *simulator.VirtualMachine, imports bool) *HttpNfcLease {
	lease := &HttpNfcLease{vcenter: v, vm: vm, imports: imports, files: map[string]*leased{}}
	lease.State = types.HttpNfcLeaseStateInitializing
	lease.Info = &types.HttpNfcLeaseInfo{Entity: vm.Self, LeaseTimeout: int32(v.settings.get().LeaseTimeout)}
	simulator.Map.Put(lease)
	lease.Info.Lease = lease.Self
	v.leases.Store(lease, true)
	kinds := map[string]int{}
	for i, disk := range disksOf(vm) {
		name := fmt.Sprintf("disk-%d.vmdk", i)
		key := deviceKey(vm, disk, kinds)
		lease.offer(name, key, &leased{key: key, disk: disk, path: filepath.Join(uploads(), lease.Self.Value+"-"+name)})
		lease.Info.TotalDiskCapacityInKB += disk.CapacityInKB
	}
	return lease
}

// deviceKey is how a lease names a device: by its machine, the kind of its controller or its own, and a number.
func deviceKey(vm *simulator.VirtualMachine, disk *types.VirtualDisk, kinds map[string]int) string {
	kind := object.VirtualDeviceList(vm.Config.Hardware.Device).Type(disk)
	n := kinds[kind]
	kinds[kind]++
	return fmt.Sprintf("/%s/%s:%d", vm.Self.Value, kind, n)
}

func (l *HttpNfcLease) offer(name, key string, file *leased) {
	l.files[name] = file
	l.Info.DeviceUrl = append(l.Info.DeviceUrl, types.HttpNfcLeaseDeviceUrl{
		Key:       key,
		ImportKey: strings.Replace(key, l.vm.Self.Value, l.vm.Name, 1),
		Url:       "https://*" + path.Join(nfcPath, l.Self.Value, name),
		Disk:      types.NewBool(file.disk != nil),
		TargetId:  name,
	})
}

// export begins with the work that a download needs; the lease initializes for as long.
func (v *vcenter) export(vm *simulator.VirtualMachine) *HttpNfcLease {
	lease := v.newLease(vm, false)
	nvram := filepath.Join(uploads(), lease.Self.Value+".nvram")
	lease.offer("nvram", "/"+vm.Self.Value+"/nvram", &leased{key: "/" + vm.Self.Value + "/nvram", path: nvram})
	go func() {
		err := os.WriteFile(nvram, make([]byte, nvramSize), 0o600)
		for _, file := range lease.files {
			if err == nil && file.disk != nil {
				err = exportDisk(background, file.disk, file.path)
			}
		}
		if err != nil {
			log.Printf("export of %s: %v", vm.Name, err)
			lease.fail(fault{&types.SystemError{Reason: err.Error()}, err.Error()})
			return
		}
		lease.ready()
	}()
	return lease
}

// importMachine makes the machine at once, with empty disks, as a vCenter does.
func (v *vcenter) importMachine(request *types.ImportVApp) (*HttpNfcLease, error) {
	spec, ok := request.Spec.(*types.VirtualMachineImportSpec)
	if !ok {
		return nil, fault{&types.InvalidArgument{InvalidProperty: "spec"}, "Only a single machine can be imported."}
	}
	folder := request.Folder
	if folder == nil {
		folder = &simulator.Map.Any("Datacenter").(*simulator.Datacenter).VmFolder
	}
	vm, err := v.create(*folder, request.This, request.Host, spec.ConfigSpec)
	if err != nil {
		return nil, err
	}
	lease := v.newLease(vm, true)
	lease.ready()
	return lease, nil
}

func (l *HttpNfcLease) ready() {
	l.alarm = time.AfterFunc(l.patience(), func() {
		l.fail(fault{&types.Timedout{}, "The lease timed out: its holder made no progress."})
	})
	change(l, types.PropertyChange{Name: "state", Val: types.HttpNfcLeaseStateReady})
}

func (l *HttpNfcLease) patience() time.Duration {
	return time.Duration(l.vcenter.settings.get().LeaseTimeout * float64(time.Second))
}

// end releases what the lease holds; false when it had ended before.
func (l *HttpNfcLease) end() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.files == nil {
		return false
	}
	if l.alarm != nil {
		l.alarm.Stop()
	}
	for _, file := range l.files {
		os.Remove(file.path)
	}
	l.files = nil
	l.vcenter.leases.Delete(l)
	return true
}

// fail ends the lease as a vCenter does by itself: an imported machine goes with it.
func (l *HttpNfcLease) fail(f fault) {
	if !l.end() {
		return
	}
	change(l,
		types.PropertyChange{Name: "error", Val: types.LocalizedMethodFault{Fault: f.BaseMethodFault, LocalizedMessage: f.Error()}},
		types.PropertyChange{Name: "state", Val: types.HttpNfcLeaseStateError})
	l.discard()
}

func (l *HttpNfcLease) discard() {
	if l.imports {
		if err := l.vcenter.destroy(l.vm.Self); err != nil {
			log.Printf("removing %s: %v", l.vm.Name, err)
		}
	}
}

func (l *HttpNfcLease) HttpNfcLeaseComplete(*types.HttpNfcLeaseComplete) soap.HasFault {
	if !l.end() {
		return &methods.HttpNfcLeaseCompleteBody{Fault_: over()}
	}
	simulator.Map.Update(l, []types.PropertyChange{{Name: "state", Val: types.HttpNfcLeaseStateDone}})
	return &methods.HttpNfcLeaseCompleteBody{Res: &types.HttpNfcLeaseCompleteResponse{}}
}

func (l *HttpNfcLease) HttpNfcLeaseAbort(*types.HttpNfcLeaseAbort) soap.HasFault {
	if !l.end() {
		return &methods.HttpNfcLeaseAbortBody{Fault_: over()}
	}
	l.discard()
	simulator.Map.Remove(l.Self)
	return &methods.HttpNfcLeaseAbortBody{Res: &types.HttpNfcLeaseAbortResponse{}}
}

func (l *HttpNfcLease) HttpNfcLeaseProgress(request *types.HttpNfcLeaseProgress) soap.HasFault {
	l.mu.Lock()
	live := l.files != nil
	if live && l.alarm != nil {
		l.alarm.Reset(l.patience())
	}
	l.mu.Unlock()
	if !live {
		return &methods.HttpNfcLeaseProgressBody{Fault_: over()}
	}
	simulator.Map.Update(l, []types.PropertyChange{{Name: "transferProgress", Val: request.Percent}})
	return &methods.HttpNfcLeaseProgressBody{Res: &types.HttpNfcLeaseProgressResponse{}}
}

func (l *HttpNfcLease) HttpNfcLeaseGetManifest(*types.HttpNfcLeaseGetManifest) soap.HasFault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &methods.HttpNfcLeaseGetManifestBody{Res: &types.HttpNfcLeaseGetManifestResponse{Returnval: l.sums}}
}

func over() *soap.Fault {
	return simulator.Fault("The lease has ended.", &types.InvalidState{})
}

// serveLease transfers one file. Whoever knows the URL may: it holds the lease's id, as on a real host.
func (v *vcenter) serveLease(w http.ResponseWriter, r *http.Request) {
	id, name := path.Base(path.Dir(r.URL.Path)), path.Base(r.URL.Path)
	lease, ok := simulator.Map.Get(types.ManagedObjectReference{Type: "HttpNfcLease", Value: id}).(*HttpNfcLease)
	var file *leased
	if ok {
		lease.mu.Lock()
		file = lease.files[name]
		lease.mu.Unlock()
	}
	if file == nil {
		http.NotFound(w, r)
		return
	}
	switch {
	case r.Method == http.MethodGet && !lease.imports:
		v.download(w, lease, file)
	case (r.Method == http.MethodPut || r.Method == http.MethodPost) && lease.imports:
		v.upload(w, r, lease, file)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// download has no Content-Length, as a real one.
func (v *vcenter) download(w http.ResponseWriter, lease *HttpNfcLease, file *leased) {
	source, err := os.Open(file.path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer source.Close()
	w.Header().Set("Content-Type", "application/x-vnd.vmware-streamVmdk")
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	old, new := sha1.New(), sha256.New()
	size, ok := v.transfer(w, io.MultiWriter(w, old, new), source, lease, "nfc.download")
	if !ok {
		return
	}
	entry := types.HttpNfcLeaseManifestEntry{
		Key: file.key, Sha1: fmt.Sprintf("%x", old.Sum(nil)), Checksum: fmt.Sprintf("%x", new.Sum(nil)), ChecksumType: "sha256",
		Size: size, Disk: file.disk != nil,
	}
	if file.disk != nil {
		entry.Capacity, entry.PopulatedSize = capacity(file.disk), size
	}
	lease.mu.Lock()
	defer lease.mu.Unlock()
	lease.sums = append(lease.sums, entry)
}

func (v *vcenter) upload(w http.ResponseWriter, r *http.Request, lease *HttpNfcLease, file *leased) {
	target, err := os.Create(file.path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer target.Close()
	if _, ok := v.transfer(w, target, r.Body, lease, "nfc.upload"); !ok {
		return
	}
	if err := importDisk(r.Context(), file.path, file.disk); err != nil {
		log.Print(err)
		lease.fail(fault{&types.OvfImportFailed{}, "The disk cannot be read: " + err.Error()})
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if err := stretch(lease.vm); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

// transfer copies, unless a rule breaks it off: `drop` ends the connection, `lease` ends the lease too.
func (v *vcenter) transfer(
	w http.ResponseWriter, target io.Writer, source io.Reader, lease *HttpNfcLease, method string,
) (int64, bool) {
	rule := v.rules.take(method, "drop", "lease", "delay")
	if rule == nil {
		size, err := io.Copy(target, source)
		return size, err == nil
	}
	if rule.Mode == "delay" {
		time.Sleep(time.Duration(rule.DelayMS) * time.Millisecond)
		size, err := io.Copy(target, source)
		return size, err == nil
	}
	_, _ = io.CopyN(target, source, rule.AfterBytes)
	if flusher, ok := w.(http.Flusher); ok && method == "nfc.download" {
		flusher.Flush()
	}
	if rule.Mode == "lease" {
		lease.fail(fault{&types.Timedout{}, "The lease timed out: its holder made no progress."})
	}
	hangUp(w)
	return 0, false
}
