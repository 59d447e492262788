package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"text/template"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The descriptor of an exported machine, with the sections and the order of vCenter's own.
var envelopeOVF = template.Must(template.New("ovf").Funcs(template.FuncMap{"x": escaped}).Parse(`<?xml version="1.0" encoding="UTF-8"?>
<Envelope vmw:buildId="build-0" xmlns="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vmw="http://www.vmware.com/schema/ovf"
  xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <References>{{range .Files}}
    <File ovf:href="{{x .Path}}" ovf:id="{{.ID}}" ovf:size="{{.Size}}"/>{{end}}
  </References>
  <DiskSection>
    <Info>Virtual disk information</Info>{{range .Disks}}
    <Disk ovf:capacity="{{.Capacity}}" ovf:capacityAllocationUnits="byte" ovf:diskId="{{.ID}}"{{if .File}} ovf:fileRef="{{.File}}"{{end}} ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>{{end}}
  </DiskSection>
  <NetworkSection>
    <Info>The list of logical networks</Info>{{range .Networks}}
    <Network ovf:name="{{x .}}"><Description>The {{x .}} network</Description></Network>{{end}}
  </NetworkSection>
  <VirtualSystem ovf:id="{{x .Name}}">
    <Info>A virtual machine</Info>
    <Name>{{x .Name}}</Name>
    <OperatingSystemSection ovf:id="101" vmw:osType="{{.GuestID}}">
      <Info>The kind of installed guest operating system</Info>
    </OperatingSystemSection>
    <VirtualHardwareSection>
      <Info>Virtual hardware requirements</Info>
      <System>
        <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>
        <vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemIdentifier>{{x .Name}}</vssd:VirtualSystemIdentifier>
        <vssd:VirtualSystemType>{{.Version}}</vssd:VirtualSystemType>
      </System>
      <Item>
        <rasd:AllocationUnits>hertz * 10^6</rasd:AllocationUnits>
        <rasd:Description>Number of Virtual CPUs</rasd:Description>
        <rasd:ElementName>{{.CPUs}} virtual CPU(s)</rasd:ElementName>
        <rasd:InstanceID>1</rasd:InstanceID>
        <rasd:ResourceType>3</rasd:ResourceType>
        <rasd:VirtualQuantity>{{.CPUs}}</rasd:VirtualQuantity>
      </Item>
      <Item>
        <rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>
        <rasd:Description>Memory Size</rasd:Description>
        <rasd:ElementName>{{.Memory}}MB of memory</rasd:ElementName>
        <rasd:InstanceID>2</rasd:InstanceID>
        <rasd:ResourceType>4</rasd:ResourceType>
        <rasd:VirtualQuantity>{{.Memory}}</rasd:VirtualQuantity>
      </Item>{{range .Items}}
      <Item>{{if .Address}}
        <rasd:Address>{{.Address}}</rasd:Address>{{end}}{{if .Place}}
        <rasd:AddressOnParent>{{.Place}}</rasd:AddressOnParent>{{end}}{{if .Network}}
        <rasd:AutomaticAllocation>true</rasd:AutomaticAllocation>
        <rasd:Connection>{{x .Network}}</rasd:Connection>{{end}}
        <rasd:ElementName>{{x .Label}}</rasd:ElementName>{{if .Disk}}
        <rasd:HostResource>ovf:/disk/{{.Disk}}</rasd:HostResource>{{end}}
        <rasd:InstanceID>{{.ID}}</rasd:InstanceID>{{if .Parent}}
        <rasd:Parent>{{.Parent}}</rasd:Parent>{{end}}{{if .SubType}}
        <rasd:ResourceSubType>{{.SubType}}</rasd:ResourceSubType>{{end}}
        <rasd:ResourceType>{{.Type}}</rasd:ResourceType>
      </Item>{{end}}
      <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="{{.Firmware}}"/>{{if .NVRAM}}
      <vmw:ExtraConfig ovf:required="false" vmw:key="nvram" vmw:value="ovf:/file/{{.NVRAM}}"/>{{end}}
    </VirtualHardwareSection>{{if .Annotation}}
    <AnnotationSection ovf:required="false">
      <Info>A human-readable annotation</Info>
      <Annotation>{{x .Annotation}}</Annotation>
    </AnnotationSection>{{end}}
  </VirtualSystem>
</Envelope>
`))

type ovfFile struct {
	ID, Path string
	Size     int64
}

type ovfDisk struct {
	ID, File string
	Capacity int64
}

type ovfItem struct {
	ID, Type                                              int
	Parent, Address, Place, Label, SubType, Disk, Network string
}

type ovfMachine struct {
	Name, GuestID, Version, Firmware, Annotation, NVRAM string
	CPUs, Memory                                        int32
	Files                                               []ovfFile
	Disks                                               []ovfDisk
	Networks                                            []string
	Items                                               []ovfItem
}

// descriptor describes the machine and those of its files that the client downloaded.
func descriptor(vm *simulator.VirtualMachine, params types.OvfCreateDescriptorParams) string {
	m := ovfMachine{
		Name: params.Name, GuestID: vm.Config.GuestId, Version: vm.Config.Version, Firmware: vm.Config.Firmware,
		Annotation: params.Description, CPUs: vm.Config.Hardware.NumCPU, Memory: vm.Config.Hardware.MemoryMB,
	}
	if m.Name == "" {
		m.Name = vm.Name
	}
	files := map[string]string{}
	for i, file := range params.OvfFiles {
		id := fmt.Sprintf("file%d", i+1)
		files[file.DeviceId] = id
		m.Files = append(m.Files, ovfFile{id, file.Path, file.Size})
		if strings.HasSuffix(file.DeviceId, "/nvram") {
			m.NVRAM = id
		}
	}
	m.addItems(vm, files)
	var text bytes.Buffer
	if err := envelopeOVF.Execute(&text, m); err != nil {
		panic(err)
	}
	return text.String()
}

func (m *ovfMachine) addItems(vm *simulator.VirtualMachine, files map[string]string) {
	kinds, numbers := map[string]int{}, map[int32]int{}
	networks := map[string]bool{}
	next := 3
	add := func(item ovfItem, device types.BaseVirtualDevice) {
		item.ID = next
		numbers[device.GetVirtualDevice().Key] = next
		next++
		item.Label = device.GetVirtualDevice().DeviceInfo.GetDescription().Label
		m.Items = append(m.Items, item)
	}
	for _, device := range vm.Config.Hardware.Device {
		switch device := device.(type) {
		case types.BaseVirtualSCSIController:
			bus := fmt.Sprint(device.GetVirtualSCSIController().BusNumber)
			add(ovfItem{Type: 6, Address: bus, SubType: scsiType(device)}, device.(types.BaseVirtualDevice))
		case types.BaseVirtualEthernetCard:
			network := networkOf(device)
			if !networks[network] {
				networks[network] = true
				m.Networks = append(m.Networks, network)
			}
			add(ovfItem{Type: 10, Place: unit(device), Network: network, SubType: cardType(device)}, device.(types.BaseVirtualDevice))
		}
	}
	for i, disk := range disksOf(vm) { // after all controllers, to which they refer
		id := fmt.Sprintf("vmdisk%d", i+1)
		m.Disks = append(m.Disks, ovfDisk{id, files[deviceKey(vm, disk, kinds)], capacity(disk)})
		add(ovfItem{Type: 17, Place: unit(disk), Parent: fmt.Sprint(numbers[disk.ControllerKey]), Disk: id}, disk)
	}
}

func unit(device interface{}) string {
	if number := device.(types.BaseVirtualDevice).GetVirtualDevice().UnitNumber; number != nil {
		return fmt.Sprint(*number)
	}
	return ""
}

func scsiType(device types.BaseVirtualSCSIController) string {
	switch device.(type) {
	case *types.ParaVirtualSCSIController:
		return "VirtualSCSI"
	case *types.VirtualLsiLogicSASController:
		return "lsilogicsas"
	}
	return "lsilogic"
}

func cardType(device types.BaseVirtualEthernetCard) string {
	switch device.(type) {
	case *types.VirtualVmxnet3:
		return "VmxNet3"
	case *types.VirtualE1000e:
		return "E1000e"
	}
	return "E1000"
}

func networkOf(card types.BaseVirtualEthernetCard) string {
	switch backing := card.GetVirtualEthernetCard().Backing.(type) {
	case *types.VirtualEthernetCardNetworkBackingInfo:
		return backing.DeviceName
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		for _, entity := range simulator.Map.All("DistributedVirtualPortgroup") {
			if group := entity.(*simulator.DistributedVirtualPortgroup); group.Key == backing.Port.PortgroupKey {
				return group.Name
			}
		}
	}
	return "VM Network"
}

func escaped(text string) (string, error) {
	var out bytes.Buffer
	err := xml.EscapeText(&out, []byte(text))
	return out.String(), err
}
