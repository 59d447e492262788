// A vCenter for tests: govmomi's simulator, made real where a client could tell the difference. Virtual machines have
// real disks (disks.go) and run (machines.go), leases carry their content (leases.go), names are unique, linked clones
// need a snapshot (inventory.go), and everything can be made to fail (faults.go).
//
// front.go sits before the simulator's own HTTP handler and answers what this package does itself.
package main

import (
	"crypto/tls"
	"flag"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"
	_ "github.com/vmware/govmomi/pbm/simulator"
	"github.com/vmware/govmomi/simulator"
	_ "github.com/vmware/govmomi/vapi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// What pyvmomi negotiates with; the library itself says 6.5.
const apiVersion = "8.0.2.0"

var (
	listen       = flag.String("listen", "127.0.0.1:0", "address and port")
	folder       = flag.String("folder", "", "where datastores, uploads and logs are kept")
	user         = flag.String("user", "", "who may log in")
	password     = flag.String("password", "", "and how")
	certificate  = flag.String("certificate", "", "PEM file with its key, too; read again for every connection")
	templateDisk = flag.String("template-disk", "", "raw disk of the template that the inventory starts with")
	templateName = flag.String("template-name", "debian-12-template", "its name")
	subnet       = flag.String("subnet", "", "the /24 where machines get their addresses")
	python       = flag.String("python", "python3", "runs guest.py")
	project      = flag.String("project", ".", "the folder that guest.py's package lies in")
)

// vcenter is the simulator and what was added to it.
type vcenter struct {
	service    *simulator.Service
	inner      http.Handler // the simulator's own
	verbs      map[string]verb
	rules      rules
	settings   settings
	sessions   sessions
	tasks      tasks
	collectors collectors
	machines   machines
	leases     sync.Map   // *HttpNfcLease -> true, while they last
	naming     sync.Mutex // held by whoever compares names, and while a new machine has none
	initial    map[types.ManagedObjectReference]bool
	serial     string
	library    string // the id of the content library that the inventory starts with
}

func main() {
	dieWithParent()
	flag.Parse()
	if err := os.MkdirAll(uploads(), 0o700); err != nil {
		log.Fatal(err)
	}
	if diary, err := os.OpenFile(filepath.Join(*folder, "vcsim.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
		log.SetOutput(io.MultiWriter(diary, os.Stderr))
	}
	os.Setenv("TMPDIR", *folder) // the library makes its datastores there

	model := simulator.VPX()
	model.Machine = 0
	model.ServiceContent.About.ApiVersion = apiVersion
	model.ServiceContent.About.Version = apiVersion
	for _, id := range guestIDs {
		simulator.GuestID = append(simulator.GuestID, types.VirtualMachineGuestOsIdentifier(id))
	}
	if err := model.Create(); err != nil {
		log.Fatal(err)
	}
	vc := newVCenter(model.Service)
	if err := vc.serve(); err != nil {
		log.Fatal(err)
	}

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	asked := <-stop
	vc.machines.stopAll()
	model.Remove()
	os.RemoveAll(uploads())
	if asked == syscall.SIGHUP { // a reset: nothing is as surely forgotten as by a new process
		log.Fatal(syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
	}
}

// dieWithParent asks again for what whoever started us has asked: a reset may come from a thread that does not have it.
func dieWithParent() {
	runtime.LockOSThread()
	syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0)
}

// guestIDs are operating systems younger than the library.
var guestIDs = []string{
	"debian11_64Guest", "debian12_64Guest", "debian13_64Guest", "rhel9_64Guest", "almalinux_64Guest", "rockylinux_64Guest",
	"other5xLinux64Guest", "other6xLinux64Guest",
}

func newVCenter(service *simulator.Service) *vcenter {
	v := &vcenter{service: service, verbs: map[string]verb{}, initial: map[types.ManagedObjectReference]bool{}}
	v.serial = uuid.New().String()
	v.settings.reset()
	v.machines.used = map[string]bool{}
	v.machines.next = time.Now().Nanosecond() / 1000 % addresses // those before a reset may not be free yet
	v.machines.running = map[types.ManagedObjectReference]*machine{}
	v.inventoryVerbs()
	v.snapshotVerbs()
	v.powerVerbs()
	v.leaseVerbs()
	v.privilegeVerbs()
	v.taskVerbs()
	return v
}

// serve starts listening; every new connection reads the certificate again, so that it can change.
func (v *vcenter) serve() error {
	v.service.RegisterEndpoints = true
	v.service.Listen = &url.URL{Host: *listen, User: url.UserPassword(*user, *password)}
	load := func() (*tls.Config, error) {
		pair, err := tls.LoadX509KeyPair(*certificate, *certificate)
		return &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}}, err
	}
	config, err := load()
	if err != nil {
		return err
	}
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return load() }
	v.service.TLS = config

	server := v.service.NewServer()
	v.inner = server.Config.Handler
	if err := v.furnish(); err != nil {
		return err
	}
	server.Config.Handler = v // only now /_simulator answers: whoever waits for it finds a full inventory
	return nil
}

func uploads() string { return filepath.Join(*folder, "uploads") }
