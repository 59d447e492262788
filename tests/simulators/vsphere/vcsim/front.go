package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

// A verb answers one SOAP method instead of the simulator's own. It is called without any of the simulator's locks.
type verb func(*simulator.Method) (response interface{}, err error)

// on registers the verb of one request type; the request's name is the method's.
func on[Request any](v *vcenter, answer func(*Request) (interface{}, error)) {
	v.verbs[reflect.TypeOf((*Request)(nil)).Elem().Name()] = func(method *simulator.Method) (interface{}, error) {
		return answer(method.Body.(*Request))
	}
}

// fault is an error that a client sees as vCenter's own.
type fault struct {
	types.BaseMethodFault
	message string
}

func (f fault) Error() string {
	if f.message != "" {
		return f.message
	}
	return reflect.TypeOf(f.BaseMethodFault).Elem().Name()
}

// asFault finds the fault in whatever an in-process call returned.
func asFault(err error) fault {
	if f, ok := err.(fault); ok {
		return f
	}
	if soap.IsSoapFault(err) {
		s := soap.ToSoapFault(err)
		if f, ok := s.VimFault().(types.BaseMethodFault); ok {
			return fault{f, s.String}
		}
	}
	return fault{&types.SystemError{Reason: err.Error()}, err.Error()}
}

// ServeHTTP sends a request to whom it concerns.
func (v *vcenter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/_simulator/"):
		v.serveControl(w, r)
	case strings.HasPrefix(path, nfcPath):
		v.serveLease(w, r)
	case strings.HasPrefix(path, "/rest/"):
		v.serveREST(w, r)
	case strings.HasPrefix(path, "/folder/"):
		if name, secret, _ := r.BasicAuth(); !v.authenticated(r) && !v.authentic(name, secret) {
			http.Error(w, "log in first", http.StatusUnauthorized)
			return
		}
		v.inner.ServeHTTP(w, r)
	case strings.HasPrefix(path, "/sdk") && r.Method == http.MethodPost:
		v.serveSOAP(w, r)
	default:
		v.inner.ServeHTTP(w, r)
	}
}

func (v *vcenter) serveSOAP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	method, err := simulator.UnmarshalBody(vimType, body)
	if err != nil { // let the simulator complain
		v.inner.ServeHTTP(w, r)
		return
	}
	v.sessions.see(r)
	if rule := v.rules.take(method.Name, "fault", "taskfault", "drop", "lost", "http503", "delay"); rule != nil {
		time.Sleep(time.Duration(rule.DelayMS) * time.Millisecond)
		switch rule.Mode {
		case "drop":
			hangUp(w)
			return
		case "lost": // it happens, but the client never hears of it
			v.answer(&deaf{header: http.Header{}}, r, method)
			hangUp(w)
			return
		case "http503":
			w.WriteHeader(http.StatusServiceUnavailable) // without a body, which pyvmomi would leave unread
			return
		case "fault":
			respondFault(w, rule.fault(method.This))
			return
		case "taskfault":
			ref := v.tasks.start(method.This, method.Name, func(*job) (types.AnyType, error) {
				return nil, rule.fault(method.This)
			})
			respond(w, method, taskResponse{ref})
			return
		}
	}
	v.answer(w, r, method)
}

// answer by a verb of ours, or by the simulator.
func (v *vcenter) answer(w http.ResponseWriter, r *http.Request, method *simulator.Method) {
	if method.Name == "Fetch" { // it panics on a property that is unset
		defer func() {
			if problem := recover(); problem != nil {
				log.Printf("Fetch: %v", problem)
				respond(w, method, struct{}{})
			}
		}()
	}
	if v.authenticated(r) && v.serveUpdates(w, r, method) {
		return
	}
	answer, ours := v.verbs[method.Name]
	if !ours && needed[method.Name] == "" {
		v.inner.ServeHTTP(w, r)
		return
	}
	if !v.authenticated(r) {
		respondFault(w, fault{&types.NotAuthenticated{
			NoPermission: types.NoPermission{Object: method.This, PrivilegeId: "System.View"},
		}, "The session is not authenticated."})
		return
	}
	if err := v.permitted(method); err != nil {
		respondFault(w, asFault(err))
		return
	}
	if !ours {
		v.inner.ServeHTTP(w, r)
		return
	}
	response, err := guarded(func() (interface{}, error) { return answer(method) })
	if err != nil {
		respondFault(w, asFault(err))
		return
	}
	respond(w, method, response)
}

// guarded turns a panic of the library (it has many for unusual input) into an error.
func guarded[Result any](work func() (Result, error)) (result Result, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fault{&types.SystemError{Reason: fmt.Sprint(problem)}, fmt.Sprint(problem)}
		}
	}()
	return work()
}

// taskResponse is the answer of every method that returns a task.
type taskResponse struct {
	Task types.ManagedObjectReference `xml:"returnval"`
}

type envelope struct {
	XMLName xml.Name `xml:"soapenv:Envelope"`
	Env     string   `xml:"xmlns:soapenv,attr"`
	XSD     string   `xml:"xmlns:xsd,attr"`
	XSI     string   `xml:"xmlns:xsi,attr"`
	Body    interface{}
}

func respond(w http.ResponseWriter, method *simulator.Method, response interface{}) {
	name := xml.Name{Space: "urn:vim25", Local: method.Name + "Response"}
	send(w, http.StatusOK, func(e *xml.Encoder) error {
		return e.EncodeElement(response, xml.StartElement{Name: name})
	})
}

func respondFault(w http.ResponseWriter, f fault) {
	kind := reflect.TypeOf(f.BaseMethodFault).Elem().Name()
	send(w, http.StatusInternalServerError, func(e *xml.Encoder) error {
		detail := struct {
			Code   string      `xml:"faultcode"`
			String string      `xml:"faultstring"`
			Detail interface{} `xml:"detail"`
		}{"ServerFaultCode", f.Error(), struct{ Fault faultDetail }{faultDetail{kind, f.BaseMethodFault}}}
		return e.EncodeElement(detail, xml.StartElement{Name: xml.Name{Local: "soapenv:Fault"}})
	})
}

// faultDetail is an element that is named after its type.
type faultDetail struct {
	kind  string
	fault types.BaseMethodFault
}

func (d faultDetail) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(d.fault, xml.StartElement{
		Name: xml.Name{Local: d.kind + "Fault"},
		Attr: []xml.Attr{
			{Name: xml.Name{Local: "xmlns"}, Value: "urn:vim25"}, {Name: xml.Name{Local: "xsi:type"}, Value: d.kind},
		},
	})
}

type soapBody func(*xml.Encoder) error

func (b soapBody) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	start := xml.StartElement{Name: xml.Name{Local: "soapenv:Body"}}
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	if err := b(e); err != nil {
		return err
	}
	return e.EncodeToken(start.End())
}

func send(w http.ResponseWriter, status int, body soapBody) {
	var out bytes.Buffer
	out.WriteString(xml.Header)
	encoder := xml.NewEncoder(&out)
	err := encoder.Encode(envelope{
		Env:  "http://schemas.xmlsoap.org/soap/envelope/",
		XSD:  "http://www.w3.org/2001/XMLSchema",
		XSI:  "http://www.w3.org/2001/XMLSchema-instance",
		Body: body,
	})
	if err != nil {
		log.Printf("encoding an answer: %v", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

// vimType finds a type that a request names, with or without a prefix.
func vimType(name string) (reflect.Type, bool) {
	if kind, ok := types.TypeFunc()(name); ok {
		return kind, ok
	}
	_, local, _ := strings.Cut(name, ":")
	return types.TypeFunc()(local)
}

func hangUp(w http.ResponseWriter) {
	if connection, _, err := w.(http.Hijacker).Hijack(); err == nil {
		connection.Close()
	}
}

// deaf is where an answer goes that nobody shall get.
type deaf struct{ header http.Header }

func (d *deaf) Header() http.Header            { return d.header }
func (d *deaf) Write(data []byte) (int, error) { return len(data), nil }
func (d *deaf) WriteHeader(int)                {}
