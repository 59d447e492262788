package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/simulator/esx"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

var background = context.Background()

// inventoryVerbs make, copy, change and rename virtual machines.
func (v *vcenter) inventoryVerbs() {
	on(v, func(request *types.CreateVM_Task) (interface{}, error) {
		return taskResponse{v.tasks.start(request.This, "CreateVM_Task", func(*job) (types.AnyType, error) {
			vm, err := v.create(request.This, request.Pool, request.Host, request.Config)
			if err != nil {
				return nil, err
			}
			return vm.Self, nil
		})}, nil
	})
	on(v, func(request *types.CloneVM_Task) (interface{}, error) {
		source, err := find(request.This)
		if err != nil {
			return nil, err
		}
		return taskResponse{v.tasks.start(request.This, "CloneVM_Task", func(job *job) (types.AnyType, error) {
			return v.clone(job, source, request)
		})}, nil
	})
	on(v, func(request *types.ReconfigVM_Task) (interface{}, error) {
		vm, err := find(request.This)
		if err != nil {
			return nil, err
		}
		return taskResponse{v.tasks.start(request.This, "ReconfigVM_Task", func(*job) (types.AnyType, error) {
			return nil, v.reconfigure(vm, request.Spec)
		})}, nil
	})
	on(v, func(request *types.Rename_Task) (interface{}, error) {
		return taskResponse{v.tasks.start(request.This, "Rename_Task", func(*job) (types.AnyType, error) {
			v.naming.Lock()
			defer v.naming.Unlock()
			if entity, ok := simulator.Map.Get(request.This).(mo.Entity); ok && entity.Entity().Parent != nil {
				if err := unused(*entity.Entity().Parent, request.NewName); err != nil {
					return nil, err
				}
			}
			response, err := methods.Rename_Task(background, v.service, request)
			if err != nil {
				return nil, err
			}
			return finished(response.Returnval)
		})}, nil
	})
	on(v, func(request *types.Destroy_Task) (interface{}, error) {
		return taskResponse{v.tasks.start(request.This, "Destroy_Task", func(*job) (types.AnyType, error) {
			return nil, v.destroy(request.This)
		})}, nil
	})
}

func find(ref types.ManagedObjectReference) (*simulator.VirtualMachine, error) {
	if vm, ok := simulator.Map.Get(ref).(*simulator.VirtualMachine); ok {
		return vm, nil
	}
	return nil, fault{&types.ManagedObjectNotFound{Obj: ref},
		fmt.Sprintf("The object '%s' has already been deleted or has not been completely created", ref)}
}

// unused is a DuplicateName when the folder has a child of this name. Its caller holds v.naming.
func unused(folder types.ManagedObjectReference, name string) error {
	parent, ok := simulator.Map.Get(folder).(*simulator.Folder)
	if !ok {
		return nil
	}
	if child := simulator.Map.FindByName(name, parent.ChildEntity); child != nil {
		return fault{&types.DuplicateName{Name: name, Object: child.Reference()},
			fmt.Sprintf("The name '%s' already exists.", name)}
	}
	return nil
}

// create makes a machine in a folder of its own on the datastore, as a vCenter names them: name, name_1, ...
func (v *vcenter) create(
	folder, pool types.ManagedObjectReference, host *types.ManagedObjectReference, spec types.VirtualMachineConfigSpec,
) (*simulator.VirtualMachine, error) {
	v.naming.Lock()
	defer v.naming.Unlock()
	if err := unused(folder, spec.Name); err != nil {
		return nil, err
	}
	var home object.DatastorePath
	if spec.Files != nil {
		home.FromString(spec.Files.VmPathName)
	}
	if home.Datastore == "" {
		return nil, fault{&types.InvalidDatastorePath{DatastorePath: home.String()}, "configSpec.files names no datastore."}
	}
	var devices []types.BaseVirtualDevice
	for _, change := range spec.DeviceChange {
		devices = append(devices, change.GetVirtualDeviceConfigSpec().Device)
	}
	if err := v.room(home.Datastore, devices); err != nil {
		return nil, err
	}
	home.Path = spec.Name
	for n := 1; exists(local(home.String())); n++ {
		home.Path = fmt.Sprintf("%s_%d", spec.Name, n)
	}
	directory := home.String()
	spec.Files = &types.VirtualMachineFileInfo{
		VmPathName: path.Join(directory, spec.Name+".vmx"), SnapshotDirectory: directory, LogDirectory: directory,
	}
	made := 0
	for _, change := range spec.DeviceChange {
		change := change.GetVirtualDeviceConfigSpec()
		if disk, ok := change.Device.(*types.VirtualDisk); ok && change.FileOperation != "" {
			change.FileOperation = types.VirtualDeviceConfigSpecFileOperationCreate
			suffix := ""
			if made > 0 {
				suffix = fmt.Sprintf("_%d", made)
			}
			*fileName(disk) = path.Join(directory, spec.Name+suffix+".vmdk")
			made++
		}
	}
	response, err := methods.CreateVM_Task(background, v.service, &types.CreateVM_Task{
		This: folder, Config: spec, Pool: pool, Host: host,
	})
	if err != nil {
		return nil, err
	}
	result, err := finished(response.Returnval)
	if err != nil {
		os.RemoveAll(local(directory))
		return nil, err
	}
	vm, err := find(result.(types.ManagedObjectReference))
	if err != nil {
		return nil, err
	}
	return vm, stretch(vm)
}

func (v *vcenter) clone(
	job *job, source *simulator.VirtualMachine, request *types.CloneVM_Task,
) (types.AnyType, error) {
	location := request.Spec.Location
	if location.Pool == nil {
		if source.Config.Template {
			return nil, fault{&types.InvalidArgument{InvalidProperty: "spec.location.pool"},
				"A specified parameter was not correct: spec.location.pool"}
		}
		location.Pool = source.ResourcePool
	}
	files, err := v.origin(source, request.Spec)
	if err != nil {
		return nil, err
	}
	var home object.DatastorePath
	home.FromString(source.Config.Files.VmPathName)
	if location.Datastore != nil {
		home.Datastore = simulator.Map.Get(*location.Datastore).(*simulator.Datastore).Name
	}
	spec := likeness(source)
	spec.Name = request.Name
	spec.Files = &types.VirtualMachineFileInfo{VmPathName: "[" + home.Datastore + "]"}
	vm, err := v.create(request.Folder, *location.Pool, location.Host, spec)
	if err != nil {
		return nil, err
	}
	err = func() error {
		for i, disk := range disksOf(vm) {
			if err := copyDisk(job, files[i], content(disk)); err != nil {
				return err
			}
			job.progress(int32(90 * (i + 1) / len(files)))
		}
		if err := stretch(vm); err != nil { // the original may have grown since the snapshot
			return err
		}
		if len(location.DeviceChange) > 0 {
			if err := v.reconfigure(vm, types.VirtualMachineConfigSpec{DeviceChange: location.DeviceChange}); err != nil {
				return err
			}
		}
		if request.Spec.Config != nil {
			if err := v.reconfigure(vm, *request.Spec.Config); err != nil {
				return err
			}
		}
		if request.Spec.Template {
			_, err := methods.MarkAsTemplate(background, v.service, &types.MarkAsTemplate{This: vm.Self})
			return err
		}
		if request.Spec.PowerOn {
			return v.powerOn(vm)
		}
		return job.Err()
	}()
	if err != nil { // a vCenter leaves nothing of a clone that failed
		_ = v.destroy(vm.Self)
		return nil, err
	}
	return vm.Self, nil
}

// likeness is the configuration of a copy, which shares nothing with the original.
func likeness(source *simulator.VirtualMachine) types.VirtualMachineConfigSpec {
	config := source.Config
	spec := types.VirtualMachineConfigSpec{
		GuestId: config.GuestId, Version: config.Version, Firmware: config.Firmware, Annotation: config.Annotation,
		NumCPUs: config.Hardware.NumCPU, NumCoresPerSocket: config.Hardware.NumCoresPerSocket,
		MemoryMB: int64(config.Hardware.MemoryMB), BootOptions: config.BootOptions, ExtraConfig: config.ExtraConfig,
	}
	devices := object.VirtualDeviceList(config.Hardware.Device)
	standard := object.VirtualDeviceList(esx.VirtualDevice)
	for _, device := range devices {
		if standard.Find(devices.Name(device)) != nil { // every machine gets these
			continue
		}
		add := &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationAdd, Device: device}
		if _, ok := device.(*types.VirtualDisk); ok {
			add.FileOperation = types.VirtualDeviceConfigSpecFileOperationCreate
		}
		spec.DeviceChange = append(spec.DeviceChange, add)
	}
	spec = duplicate(spec)
	for _, change := range spec.DeviceChange {
		if card, ok := change.GetVirtualDeviceConfigSpec().Device.(types.BaseVirtualEthernetCard); ok {
			card.GetVirtualEthernetCard().MacAddress = ""
		}
	}
	return spec
}

// duplicate goes through XML: the library's objects are full of pointers that it also keeps elsewhere.
func duplicate(spec types.VirtualMachineConfigSpec) (result types.VirtualMachineConfigSpec) {
	var text bytes.Buffer
	if err := xml.NewEncoder(&text).Encode(spec); err != nil {
		panic(err)
	}
	decoder := xml.NewDecoder(&text)
	decoder.TypeFunc = types.TypeFunc()
	if err := decoder.Decode(&result); err != nil {
		panic(err)
	}
	return result
}

func (v *vcenter) reconfigure(vm *simulator.VirtualMachine, spec types.VirtualMachineConfigSpec) error {
	for i, change := range spec.DeviceChange {
		change := change.GetVirtualDeviceConfigSpec()
		if change.Operation != types.VirtualDeviceConfigSpecOperationEdit {
			continue
		}
		device := change.Device.GetVirtualDevice()
		if device.DeviceInfo == nil {
			device.DeviceInfo = &types.Description{}
		}
		old := object.VirtualDeviceList(vm.Config.Hardware.Device).FindByKey(device.Key)
		now, isDisk := change.Device.(*types.VirtualDisk)
		if before, wasDisk := old.(*types.VirtualDisk); isDisk && wasDisk && capacity(now) < capacity(before) {
			return fault{&types.InvalidDeviceOperation{InvalidDeviceSpec: types.InvalidDeviceSpec{
				InvalidVmConfig: types.InvalidVmConfig{Property: "virtualDeviceSpec.device.capacityInBytes"}, DeviceIndex: int32(i),
			}}, fmt.Sprintf("Invalid operation for device '%d': a disk cannot be made smaller.", i)}
		}
	}
	if spec.Name != "" && spec.Name != vm.Name {
		v.naming.Lock()
		err := unused(*vm.Parent, spec.Name)
		v.naming.Unlock()
		if err != nil {
			return err
		}
	}
	response, err := methods.ReconfigVM_Task(background, v.service, &types.ReconfigVM_Task{This: vm.Self, Spec: spec})
	if err != nil {
		return err
	}
	if _, err := finished(response.Returnval); err != nil {
		return err
	}
	simulator.Map.WithLock(vm, func() { vm.Config.ExtraConfig = settled(vm.Config.ExtraConfig) })
	return stretch(vm)
}

// settled keeps the last value of every key; an empty one removes it. The library only appends.
func settled(options []types.BaseOptionValue) (kept []types.BaseOptionValue) {
	last := map[string]int{}
	for i, option := range options {
		last[option.GetOptionValue().Key] = i
	}
	for i, option := range options {
		value := option.GetOptionValue()
		if last[value.Key] == i && value.Value != nil && value.Value != "" {
			kept = append(kept, option)
		}
	}
	return kept
}

// extra is a value of the machine's advanced configuration.
func extra(vm *simulator.VirtualMachine) map[string]string {
	values := map[string]string{}
	for _, option := range vm.Config.ExtraConfig {
		value := option.GetOptionValue()
		values[value.Key] = fmt.Sprint(value.Value)
	}
	return values
}

func (v *vcenter) destroy(ref types.ManagedObjectReference) error {
	vm, _ := find(ref)
	response, err := methods.Destroy_Task(background, v.service, &types.Destroy_Task{This: ref})
	if err != nil {
		return err
	}
	if _, err := finished(response.Returnval); err != nil {
		return err
	}
	if vm != nil {
		os.RemoveAll(filepath.Dir(local(vm.Config.Files.VmPathName)))
	}
	return nil
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// furnish makes the inventory that every simulator starts with: a template with a snapshot, and a content library.
func (v *vcenter) furnish() error {
	if *templateDisk != "" {
		if err := v.makeTemplate(); err != nil {
			return err
		}
	}
	if err := v.makeLibrary(); err != nil {
		return err
	}
	for _, entity := range simulator.Map.All("") {
		v.initial[entity.Reference()] = true
	}
	return nil
}

func (v *vcenter) makeTemplate() error {
	state, err := os.Stat(*templateDisk)
	if err != nil {
		return err
	}
	datacenter := simulator.Map.Any("Datacenter").(*simulator.Datacenter)
	cluster := simulator.Map.Any("ClusterComputeResource").(*simulator.ClusterComputeResource)
	spec := types.VirtualMachineConfigSpec{
		Name: *templateName, GuestId: "debian12_64Guest", NumCPUs: 1, MemoryMB: 512,
		Files: &types.VirtualMachineFileInfo{VmPathName: "[LocalDS_0]"},
	}
	var devices object.VirtualDeviceList
	scsi, _ := devices.CreateSCSIController("pvscsi")
	disk := devices.CreateDisk(scsi.(types.BaseVirtualController), types.ManagedObjectReference{}, "[LocalDS_0]")
	disk.CapacityInKB = state.Size() / 1024
	card, err := devices.CreateEthernetCard("vmxnet3", &types.VirtualEthernetCardNetworkBackingInfo{
		VirtualDeviceDeviceBackingInfo: types.VirtualDeviceDeviceBackingInfo{DeviceName: "VM Network"},
	})
	if err != nil {
		return err
	}
	devices = append(devices, scsi, disk, card)
	spec.DeviceChange, _ = devices.ConfigSpec(types.VirtualDeviceConfigSpecOperationAdd)
	vm, err := v.create(datacenter.VmFolder, *cluster.ResourcePool, nil, spec)
	if err != nil {
		return err
	}
	if err := copyDisk(background, *templateDisk, content(disksOf(vm)[0])); err != nil {
		return err
	}
	if err := v.snapshot(vm, &types.CreateSnapshot_Task{This: vm.Self, Name: "base"}); err != nil {
		return err
	}
	_, err = methods.MarkAsTemplate(background, v.service, &types.MarkAsTemplate{This: vm.Self})
	return err
}

// vmFolderOf is the name of the machine's folder on its datastore.
func vmFolderOf(vm *simulator.VirtualMachine) string {
	return strings.TrimSuffix(filepath.Dir(local(vm.Config.Files.VmPathName)), "/")
}
