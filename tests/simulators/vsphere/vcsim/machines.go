package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

const addresses = 240 // of a subnet are for machines

// A machine is what runs from a virtual machine's disk: guest.py, and below it a container with an address of its own.
type machine struct {
	vm      *simulator.VirtualMachine
	address string
	command *exec.Cmd
	life    io.WriteCloser // when it closes, the machine dies
	ended   chan struct{}
	again   bool // it shall start again when it has ended
	mu      sync.Mutex
}

type machines struct {
	mu      sync.Mutex
	running map[types.ManagedObjectReference]*machine
	used    map[string]bool
	next    int // not the one that was just freed: the kernel takes a network apart in its own time
}

func (m *machines) of(vm *simulator.VirtualMachine) *machine {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running[vm.Self]
}

// address is one that no other machine has.
func (m *machines) address() (string, error) {
	_, network, err := net.ParseCIDR(*subnet)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for tries := 0; tries < addresses; tries++ {
		ip := net.IPv4(network.IP[0], network.IP[1], network.IP[2], byte(10+m.next%addresses)).String()
		m.next++
		if !m.used[ip] {
			m.used[ip] = true
			return ip, nil
		}
	}
	return "", fmt.Errorf("all addresses of %s are in use", *subnet)
}

func (m *machines) stopAll() {
	m.mu.Lock()
	var all []*machine
	for _, machine := range m.running {
		all = append(all, machine)
	}
	m.mu.Unlock()
	for _, machine := range all {
		machine.kill()
	}
}

// boot starts the machine. The address appears in the guest's properties when something answers there.
func (v *vcenter) boot(vm *simulator.VirtualMachine) error {
	disks := disksOf(vm)
	if len(disks) == 0 {
		return nil // nothing to boot from: it is on, and that is all
	}
	address, err := v.machines.address()
	if err != nil {
		return err
	}
	home := vmFolderOf(vm)
	info, _ := json.Marshal(extra(vm))
	if err := os.WriteFile(filepath.Join(home, "guestinfo.json"), info, 0o600); err != nil {
		return err
	}
	command := exec.Command(
		*python, "-m", "tests.simulators.vsphere.guest", content(disks[0]), "--address", address, "--name", vm.Name,
		"--console", filepath.Join(home, "console.log"), "--options", filepath.Join(home, "guestinfo.json"),
	)
	command.Dir = *project
	command.Stderr = os.Stderr
	life, err := command.StdinPipe()
	if err != nil {
		return err
	}
	said, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	m := &machine{vm: vm, address: address, command: command, life: life, ended: make(chan struct{})}
	v.machines.mu.Lock()
	v.machines.running[vm.Self] = m
	v.machines.mu.Unlock()
	go v.attend(m, bufio.NewReader(said))
	return nil
}

// attend to a machine from its start to its end.
func (v *vcenter) attend(m *machine, said *bufio.Reader) {
	line, _ := said.ReadString('\n')
	booted := strings.TrimSpace(line) == "booting"
	if booted {
		go v.reportGuest(m)
	}
	_, _ = io.Copy(io.Discard, said)
	err := m.command.Wait()
	m.life.Close()
	m.letGo()
	v.machines.mu.Lock()
	delete(v.machines.used, m.address)
	if v.machines.running[m.vm.Self] == m {
		delete(v.machines.running, m.vm.Self)
	}
	v.machines.mu.Unlock()
	m.mu.Lock()
	again := m.again
	m.mu.Unlock()
	v.forgetGuest(m.vm)
	close(m.ended)
	switch {
	case again && isOn(m.vm) == nil:
		if err := v.boot(m.vm); err != nil {
			log.Printf("%s does not start again: %v", m.vm.Name, err)
		}
	case !booted: // no boot device: a machine that stays on and does nothing
		log.Printf("%s does not boot: %v", m.vm.Name, err)
	default:
		v.setOff(m.vm)
	}
}

// letGo waits until the kernel has written and closed the disk of a machine whose plug was pulled.
func (m *machine) letGo() {
	disk := content(disksOf(m.vm)[0])
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		devices, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
		held := false
		for _, device := range devices {
			name, _ := os.ReadFile(device)
			held = held || strings.TrimSpace(string(name)) == disk
		}
		if !held {
			return
		}
	}
}

// reportGuest plays VMware Tools: once SSH answers, the guest tells its address.
func (v *vcenter) reportGuest(m *machine) {
	for !answers(net.JoinHostPort(m.address, "22")) {
		select {
		case <-m.ended:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
	settings := v.settings.get()
	if !settings.GuestTools || v.machines.of(m.vm) != m {
		return
	}
	name := extra(m.vm)["guestinfo.hostname"]
	if name == "" {
		name = m.vm.Name
	}
	changes := []types.PropertyChange{
		{Name: "guest.toolsRunningStatus", Val: string(types.VirtualMachineToolsRunningStatusGuestToolsRunning)},
		{Name: "guest.toolsStatus", Val: types.VirtualMachineToolsStatusToolsOk},
		{Name: "guest.guestState", Val: string(types.VirtualMachineGuestStateRunning)},
		{Name: "guest.hostName", Val: name},
		{Name: "summary.guest.hostName", Val: name},
	}
	if settings.GuestIP {
		cards := append([]types.GuestNicInfo{}, m.vm.Guest.Net...)
		if len(cards) > 0 {
			cards[0].IpAddress = []string{m.address}
		}
		changes = append(changes,
			types.PropertyChange{Name: "guest.ipAddress", Val: m.address},
			types.PropertyChange{Name: "summary.guest.ipAddress", Val: m.address},
			types.PropertyChange{Name: "guest.net", Val: cards})
	}
	change(m.vm, changes...)
}

func (v *vcenter) forgetGuest(vm *simulator.VirtualMachine) {
	cards := append([]types.GuestNicInfo{}, vm.Guest.Net...)
	for i := range cards {
		cards[i].IpAddress = nil
	}
	change(vm,
		types.PropertyChange{Name: "guest.toolsRunningStatus", Val: string(types.VirtualMachineToolsRunningStatusGuestToolsNotRunning)},
		types.PropertyChange{Name: "guest.toolsStatus", Val: types.VirtualMachineToolsStatusToolsNotRunning},
		types.PropertyChange{Name: "guest.guestState", Val: string(types.VirtualMachineGuestStateNotRunning)},
		types.PropertyChange{Name: "guest.ipAddress", Val: ""},
		types.PropertyChange{Name: "summary.guest.ipAddress", Val: ""},
		types.PropertyChange{Name: "guest.net", Val: cards})
}

// answers says whether an SSH server greets there.
func answers(address string) bool {
	connection, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
	if err != nil {
		return false
	}
	defer connection.Close()
	_ = connection.SetReadDeadline(time.Now().Add(time.Second))
	greeting := make([]byte, 4)
	_, err = io.ReadFull(connection, greeting)
	return err == nil && string(greeting) == "SSH-"
}

// stop asks the machine to shut down; it takes the time that it takes.
func (m *machine) stop() { _ = m.command.Process.Signal(syscall.SIGTERM) }

// kill pulls the plug.
func (m *machine) kill() {
	_ = m.command.Process.Kill()
	<-m.ended
}

func (m *machine) startAgain() {
	m.mu.Lock()
	m.again = true
	m.mu.Unlock()
}

func (v *vcenter) powerOn(vm *simulator.VirtualMachine) error {
	response, err := methods.PowerOnVM_Task(background, v.service, &types.PowerOnVM_Task{This: vm.Self})
	if err != nil {
		return err
	}
	if _, err := finished(response.Returnval); err != nil {
		return err
	}
	return v.boot(vm)
}

func (v *vcenter) powerOff(vm *simulator.VirtualMachine) error {
	if m := v.machines.of(vm); m != nil {
		m.kill()
	}
	return v.setOff(vm)
}

// setOff is the state alone. It is no error when the machine was quicker and switched itself off.
func (v *vcenter) setOff(vm *simulator.VirtualMachine) error {
	response, err := methods.PowerOffVM_Task(background, v.service, &types.PowerOffVM_Task{This: vm.Self})
	if err != nil {
		return err
	}
	_, err = finished(response.Returnval)
	return err
}

func (v *vcenter) powerVerbs() {
	task := func(ref types.ManagedObjectReference, method string, work func(*simulator.VirtualMachine) error) (interface{}, error) {
		vm, err := find(ref)
		if err != nil {
			return nil, err
		}
		return taskResponse{v.tasks.start(ref, method, func(*job) (types.AnyType, error) { return nil, work(vm) })}, nil
	}
	on(v, func(request *types.PowerOnVM_Task) (interface{}, error) {
		return task(request.This, "PowerOnVM_Task", v.powerOn)
	})
	on(v, func(request *types.PowerOffVM_Task) (interface{}, error) {
		return task(request.This, "PowerOffVM_Task", func(vm *simulator.VirtualMachine) error {
			if err := isOn(vm); err != nil {
				return err
			}
			if err := v.powerOff(vm); err != nil && isOn(vm) == nil {
				return err
			}
			return nil
		})
	})
	on(v, func(request *types.ResetVM_Task) (interface{}, error) {
		return task(request.This, "ResetVM_Task", func(vm *simulator.VirtualMachine) error {
			if err := isOn(vm); err != nil {
				return err
			}
			if m := v.machines.of(vm); m != nil {
				m.startAgain()
				m.kill()
			}
			return nil
		})
	})
	on(v, func(request *types.ShutdownGuest) (interface{}, error) {
		m, err := v.tools(request.This)
		if err != nil {
			return nil, err
		}
		m.stop()
		return &types.ShutdownGuestResponse{}, nil
	})
	on(v, func(request *types.RebootGuest) (interface{}, error) {
		m, err := v.tools(request.This)
		if err != nil {
			return nil, err
		}
		m.startAgain()
		m.stop()
		return &types.RebootGuestResponse{}, nil
	})
}

func isOn(vm *simulator.VirtualMachine) error {
	if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
		return nil
	}
	return fault{&types.InvalidPowerState{
		RequestedState: types.VirtualMachinePowerStatePoweredOn, ExistingState: vm.Runtime.PowerState,
	}, "The attempted operation cannot be performed in the current state (Powered off)."}
}

// tools gives the machine when something in it listens to requests.
func (v *vcenter) tools(ref types.ManagedObjectReference) (*machine, error) {
	vm, err := find(ref)
	if err != nil {
		return nil, err
	}
	if err := isOn(vm); err != nil {
		return nil, err
	}
	m := v.machines.of(vm)
	if m == nil || vm.Guest.ToolsRunningStatus != string(types.VirtualMachineToolsRunningStatusGuestToolsRunning) {
		return nil, fault{&types.ToolsUnavailable{},
			"Cannot complete operation because VMware Tools is not running in this virtual machine."}
	}
	return m, nil
}
