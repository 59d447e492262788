package main

import (
	"reflect"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// A rule makes the next calls of a method fail; docs of its modes are in simulator.py. The two transfers of a lease
// count as the methods `nfc.upload` and `nfc.download`.
type rule struct {
	Method     string `json:"method"`
	Mode       string `json:"mode"`
	Fault      string `json:"fault"`
	Message    string `json:"message"`
	Count      int    `json:"count"` // -1: for ever
	DelayMS    int    `json:"delay_ms"`
	AfterBytes int64  `json:"after_bytes"`
}

type rules struct {
	mu  sync.Mutex
	all []*rule
}

func (r *rules) add(added *rule) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, added)
}

func (r *rules) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = nil
}

// take the first rule for the method that has one of these modes, and count it down.
func (r *rules) take(method string, modes ...string) *rule {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rule := range r.all {
		if rule.Method != method || rule.Count == 0 || !contains(modes, rule.Mode) {
			continue
		}
		if rule.Count > 0 {
			rule.Count--
		}
		taken := *rule
		return &taken
	}
	return nil
}

// fault is the fault that the rule names, with the fields that no client can do without.
func (r *rule) fault(object types.ManagedObjectReference) fault {
	kind, _ := types.TypeFunc()(r.Fault)
	value := reflect.New(kind)
	name, state := "", types.VirtualMachinePowerStatePoweredOff
	if entity, ok := simulator.Map.Get(object).(mo.Entity); ok {
		name = entity.Entity().Name
	}
	if vm, err := find(object); err == nil {
		state = vm.Runtime.PowerState
	}
	for field, content := range map[string]interface{}{
		"Object": object, "Obj": object, "Name": name, "PrivilegeId": "System.View", "Datastore": "LocalDS_0",
		"Task": types.ManagedObjectReference{Type: "Task", Value: "task-0"}, "ExistingState": state, "RequestedState": state,
	} {
		found := value.Elem().FieldByName(field)
		if found.IsValid() && found.Type() == reflect.TypeOf(content) {
			found.Set(reflect.ValueOf(content))
		}
	}
	return fault{value.Interface().(types.BaseMethodFault), r.Message}
}

// valid says whether clients can be given this fault at all.
func (r *rule) valid() bool {
	if r.Mode != "fault" && r.Mode != "taskfault" {
		return true
	}
	kind, ok := types.TypeFunc()(r.Fault)
	if !ok {
		return false
	}
	_, ok = reflect.New(kind).Interface().(types.BaseMethodFault)
	return ok
}

// settings are lasting conditions.
type settings struct {
	mu sync.Mutex
	settingValues
}

type settingValues struct {
	// GuestTools: do guests report anything at all? GuestIP: do they report an address?
	GuestTools bool `json:"guest_tools"`
	GuestIP    bool `json:"guest_ip"`
	// FreeSpace of the datastores in bytes; nil: whatever there is.
	FreeSpace *int64 `json:"free_space"`
	// DeniedPrivileges are missing for everybody and everywhere.
	DeniedPrivileges []string `json:"denied_privileges"`
	// LeaseTimeout in seconds: how long a lease lives without a sign of progress.
	LeaseTimeout float64 `json:"lease_timeout"`
}

func (s *settings) reset() {
	s.settingValues = settingValues{GuestTools: true, GuestIP: true, LeaseTimeout: 300}
}

func (s *settings) get() settingValues {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settingValues
}

func contains(list []string, wanted string) bool {
	for _, item := range list {
		if item == wanted {
			return true
		}
	}
	return false
}
