package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// A snapshot is a copy of each disk beside it. All tasks name the machine as their entity, as a real vCenter's do: the
// library names the snapshot, on which pyVim's WaitForTask stumbles.
func (v *vcenter) snapshotVerbs() {
	on(v, func(request *types.CreateSnapshot_Task) (interface{}, error) {
		vm, err := find(request.This)
		if err != nil {
			return nil, err
		}
		return taskResponse{v.tasks.start(vm.Self, "CreateSnapshot_Task", func(*job) (types.AnyType, error) {
			if err := v.snapshot(vm, request); err != nil {
				return nil, err
			}
			return *vm.Snapshot.CurrentSnapshot, nil
		})}, nil
	})
	on(v, func(request *types.RevertToSnapshot_Task) (interface{}, error) {
		vm, err := owner(request.This)
		if err != nil {
			return nil, err
		}
		return taskResponse{v.tasks.start(vm.Self, "RevertToSnapshot_Task", func(job *job) (types.AnyType, error) {
			return nil, v.revert(job, vm, request.This)
		})}, nil
	})
	on(v, func(request *types.RevertToCurrentSnapshot_Task) (interface{}, error) {
		vm, err := find(request.This)
		if err != nil {
			return nil, err
		}
		if vm.Snapshot == nil || vm.Snapshot.CurrentSnapshot == nil {
			return nil, fault{&types.NotFound{}, "The machine has no snapshot."}
		}
		return taskResponse{v.tasks.start(vm.Self, "RevertToCurrentSnapshot_Task", func(job *job) (types.AnyType, error) {
			return nil, v.revert(job, vm, *vm.Snapshot.CurrentSnapshot)
		})}, nil
	})
	on(v, func(request *types.RemoveSnapshot_Task) (interface{}, error) {
		vm, err := owner(request.This)
		if err != nil {
			return nil, err
		}
		return taskResponse{v.tasks.start(vm.Self, "RemoveSnapshot_Task", func(*job) (types.AnyType, error) {
			response, err := methods.RemoveSnapshot_Task(background, v.service, request)
			if err != nil {
				return nil, err
			}
			for i := range disksOf(vm) {
				os.Remove(frozen(vm, request.This, i))
			}
			return finished(response.Returnval)
		})}, nil
	})
}

func owner(ref types.ManagedObjectReference) (*simulator.VirtualMachine, error) {
	snapshot, ok := simulator.Map.Get(ref).(*simulator.VirtualMachineSnapshot)
	if !ok {
		return nil, fault{&types.ManagedObjectNotFound{Obj: ref}, "The snapshot has already been deleted."}
	}
	return find(snapshot.Vm)
}

// frozen is the file with the content of the n-th disk at the time of the snapshot.
func frozen(vm *simulator.VirtualMachine, snapshot types.ManagedObjectReference, n int) string {
	return filepath.Join(vmFolderOf(vm), fmt.Sprintf("%s-%d.raw", snapshot.Value, n))
}

func (v *vcenter) snapshot(vm *simulator.VirtualMachine, request *types.CreateSnapshot_Task) error {
	response, err := methods.CreateSnapshot_Task(background, v.service, request)
	if err != nil {
		return err
	}
	result, err := finished(response.Returnval)
	if err != nil {
		return err
	}
	if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
		syscall.Sync() // what the guest wrote is in its disk's file, as far as the guest let go of it
	}
	for i, disk := range disksOf(vm) {
		if err := copyDisk(background, content(disk), frozen(vm, result.(types.ManagedObjectReference), i)); err != nil {
			return err
		}
	}
	return nil
}

// revert brings the disks back; the machine is off afterwards, since snapshots hold no memory.
func (v *vcenter) revert(job *job, vm *simulator.VirtualMachine, snapshot types.ManagedObjectReference) error {
	if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
		if err := v.powerOff(vm); err != nil {
			return err
		}
	}
	for i, disk := range disksOf(vm) {
		if err := copyDisk(job, frozen(vm, snapshot, i), content(disk)); err != nil {
			return err
		}
	}
	if err := stretch(vm); err != nil {
		return err
	}
	response, err := methods.RevertToSnapshot_Task(background, v.service, &types.RevertToSnapshot_Task{This: snapshot})
	if err != nil {
		return err
	}
	_, err = finished(response.Returnval)
	return err
}

// origin names the files that a clone starts from: the disks as they are, or as they were.
func (v *vcenter) origin(source *simulator.VirtualMachine, spec types.VirtualMachineCloneSpec) ([]string, error) {
	linked := spec.Location.DiskMoveType == string(types.VirtualMachineRelocateDiskMoveOptionsCreateNewChildDiskBacking)
	from := spec.Snapshot
	if linked && from == nil && source.Snapshot != nil {
		from = source.Snapshot.CurrentSnapshot
	}
	if linked && from == nil {
		return nil, fault{&types.InvalidArgument{InvalidProperty: "spec.location.diskMoveType"},
			"A specified parameter was not correct: spec.location.diskMoveType: a linked clone needs a snapshot"}
	}
	if from != nil {
		if vm, err := owner(*from); err != nil || vm != source {
			return nil, fault{&types.InvalidArgument{InvalidProperty: "spec.snapshot"},
				"A specified parameter was not correct: spec.snapshot"}
		}
	}
	var files []string
	for i, disk := range disksOf(source) {
		if from == nil {
			files = append(files, content(disk))
		} else {
			files = append(files, frozen(source, *from, i))
		}
	}
	return files, nil
}
