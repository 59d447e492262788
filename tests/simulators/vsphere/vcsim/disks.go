package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// A disk's content is the raw `-flat.vmdk` file that its datastore holds beside the descriptor, as on an ESXi host. The
// library makes both files empty, and deletes them with the machine.

func disksOf(vm *simulator.VirtualMachine) []*types.VirtualDisk {
	return disksIn(vm.Config.Hardware.Device)
}

func disksIn(devices []types.BaseVirtualDevice) (disks []*types.VirtualDisk) {
	for _, device := range devices {
		if disk, ok := device.(*types.VirtualDisk); ok {
			disks = append(disks, disk)
		}
	}
	return disks
}

func capacity(disk *types.VirtualDisk) int64 {
	if kb := disk.CapacityInKB * 1024; kb > disk.CapacityInBytes {
		return kb
	}
	return disk.CapacityInBytes
}

func fileName(disk *types.VirtualDisk) *string {
	return &disk.Backing.(types.BaseVirtualDeviceFileBackingInfo).GetVirtualDeviceFileBackingInfo().FileName
}

// content is the file with the disk's bytes.
func content(disk *types.VirtualDisk) string {
	return strings.TrimSuffix(local(*fileName(disk)), ".vmdk") + "-flat.vmdk"
}

// local turns `[datastore] path` into the file's name here.
func local(name string) string {
	var path object.DatastorePath
	path.FromString(name)
	return filepath.Join(datastore(path.Datastore).Info.GetDatastoreInfo().Url, path.Path)
}

func datastore(name string) *simulator.Datastore {
	for _, entity := range simulator.Map.All("Datastore") {
		if store := entity.(*simulator.Datastore); store.Name == name {
			return store
		}
	}
	panic("no datastore " + name)
}

// stretch gives every disk a file of its full size; disks only grow.
func stretch(vm *simulator.VirtualMachine) error {
	for _, disk := range disksOf(vm) {
		size := capacity(disk)
		disk.CapacityInBytes, disk.CapacityInKB = size, size/1024
		if state, err := os.Stat(content(disk)); err != nil || state.Size() >= size {
			continue // a disk that was attached without a file stays what it is
		}
		if err := os.Truncate(content(disk), size); err != nil {
			return err
		}
	}
	return nil
}

// copyDisk copies only what is not zero. The target is written in place: a machine may know it already.
func copyDisk(ctx context.Context, source, target string) error {
	return run(ctx, "cp", "--sparse=always", "--reflink=auto", source, target)
}

// importDisk turns an uploaded VMDK into the disk's content.
func importDisk(ctx context.Context, vmdk string, disk *types.VirtualDisk) error {
	return run(ctx, "qemu-img", "convert", "-f", "vmdk", "-O", "raw", vmdk, content(disk))
}

// exportDisk makes the VMDK that a client downloads.
func exportDisk(ctx context.Context, disk *types.VirtualDisk, vmdk string) error {
	return run(ctx, "qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", content(disk), vmdk)
}

func run(ctx context.Context, program string, arguments ...string) error {
	output, err := exec.CommandContext(ctx, program, arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %v: %s", program, err, strings.TrimSpace(string(output)))
	}
	return nil
}

// room is an error when the datastores are said to be too full for these disks.
func (v *vcenter) room(store string, devices []types.BaseVirtualDevice) error {
	free := v.settings.get().FreeSpace
	if free == nil {
		return nil
	}
	var wanted int64
	for _, disk := range disksIn(devices) {
		wanted += capacity(disk)
	}
	if wanted > *free {
		return fault{
			&types.NoDiskSpace{FileFault: types.FileFault{File: "[" + store + "]"}, Datastore: store},
			fmt.Sprintf("Insufficient disk space on datastore '%s'.", store),
		}
	}
	return nil
}

// showFreeSpace lets the datastores report what the settings say.
func (v *vcenter) showFreeSpace() {
	for _, entity := range simulator.Map.All("Datastore") {
		store := entity.(*simulator.Datastore)
		if free := v.settings.get().FreeSpace; free != nil {
			change(store, types.PropertyChange{Name: "summary.freeSpace", Val: *free},
				types.PropertyChange{Name: "info.freeSpace", Val: *free})
		} else {
			simulator.Map.WithLock(store, func() { store.RefreshDatastore(&types.RefreshDatastore{This: store.Self}) })
		}
	}
}
