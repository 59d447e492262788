package main

import (
	"fmt"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// needed is the privilege without which a method is refused. A real vCenter knows more; these are what building and
// publishing images takes.
var needed = map[string]string{
	"CloneVM_Task":          "VirtualMachine.Provisioning.DeployTemplate",
	"CreateFolder":          "Folder.Create",
	"CreateSnapshot_Task":   "VirtualMachine.State.CreateSnapshot",
	"CreateVM_Task":         "VirtualMachine.Inventory.Create",
	"Destroy_Task":          "VirtualMachine.Inventory.Delete",
	"ExportVm":              "VApp.Export",
	"ImportVApp":            "VApp.Import",
	"MarkAsTemplate":        "VirtualMachine.Provisioning.MarkAsTemplate",
	"MarkAsVirtualMachine":  "VirtualMachine.Provisioning.MarkAsVM",
	"PowerOffVM_Task":       "VirtualMachine.Interact.PowerOff",
	"PowerOnVM_Task":        "VirtualMachine.Interact.PowerOn",
	"ReconfigVM_Task":       "VirtualMachine.Config.Settings",
	"RemoveSnapshot_Task":   "VirtualMachine.State.RemoveSnapshot",
	"RevertToSnapshot_Task": "VirtualMachine.State.RevertToSnapshot",
	"ShutdownGuest":         "VirtualMachine.Interact.PowerOff",
}

func (v *vcenter) granted(privilege string) bool {
	return !contains(v.settings.get().DeniedPrivileges, privilege)
}

func (v *vcenter) permitted(method *simulator.Method) error {
	privilege := needed[method.Name]
	if privilege == "" || v.granted(privilege) {
		return nil
	}
	return fault{&types.NoPermission{Object: method.This, PrivilegeId: privilege},
		fmt.Sprintf("Permission to perform this operation was denied. You do not hold privilege \"%s\" on %s.",
			privilege, method.This.Value)}
}

func (v *vcenter) availability(ids []string) (list []types.PrivilegeAvailability) {
	for _, id := range ids {
		list = append(list, types.PrivilegeAvailability{PrivId: id, IsGranted: v.granted(id)})
	}
	return list
}

func (v *vcenter) onEntities(entities []types.ManagedObjectReference, ids []string) (list []types.EntityPrivilege) {
	for _, entity := range entities {
		list = append(list, types.EntityPrivilege{Entity: entity, PrivAvailability: v.availability(ids)})
	}
	return list
}

func (v *vcenter) privilegeVerbs() {
	on(v, func(request *types.HasPrivilegeOnEntities) (interface{}, error) {
		return &types.HasPrivilegeOnEntitiesResponse{Returnval: v.onEntities(request.Entity, request.PrivId)}, nil
	})
	on(v, func(request *types.HasUserPrivilegeOnEntities) (interface{}, error) {
		return &types.HasUserPrivilegeOnEntitiesResponse{Returnval: v.onEntities(request.Entities, request.PrivId)}, nil
	})
	on(v, func(request *types.HasPrivilegeOnEntity) (interface{}, error) {
		response := &types.HasPrivilegeOnEntityResponse{}
		for _, id := range request.PrivId {
			response.Returnval = append(response.Returnval, v.granted(id))
		}
		return response, nil
	})
}
