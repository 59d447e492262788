package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/simulator/vpx"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

// Waiting for properties. The library records changes, but only from a session's first wait on (what happens just
// then is lost), and tells the next wait about changes that are older than it. It gets by with that because nothing in
// it changes by itself. Here, a wait compares what is with what it told before.

const pollInterval = 40 * time.Millisecond

// PropertyFilter is named as the library's, by whose name clients know it.
type PropertyFilter struct {
	mo.PropertyFilter

	collector *collector
	told      map[string]told // by object
}

// told is what a client knows of an object: the XML of its reference, and of its properties by their names.
type told struct {
	reference  string
	properties map[string]string
}

// collector is one property collector of one session.
type collector struct {
	mu        sync.Mutex
	version   int
	filters   []*PropertyFilter
	cancelled chan struct{}
}

type collectors struct {
	mu  sync.Mutex
	all map[string]*collector
}

func (c *collectors) of(r *http.Request, ref types.ManagedObjectReference) *collector {
	cookie, _ := r.Cookie(soap.SessionCookieName)
	id := cookie.Value + " " + ref.Value
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[string]*collector{}
	}
	if c.all[id] == nil {
		c.all[id] = &collector{cancelled: make(chan struct{}, 1)}
	}
	return c.all[id]
}

func (f *PropertyFilter) DestroyPropertyFilter(*types.DestroyPropertyFilter) soap.HasFault {
	f.collector.mu.Lock()
	defer f.collector.mu.Unlock()
	kept := f.collector.filters[:0]
	for _, filter := range f.collector.filters {
		if filter != f {
			kept = append(kept, filter)
		}
	}
	f.collector.filters = kept
	simulator.Map.Remove(f.Self)
	return &methods.DestroyPropertyFilterBody{Res: &types.DestroyPropertyFilterResponse{}}
}

// serveUpdates answers what has to do with waiting; false: somebody else does.
func (v *vcenter) serveUpdates(w http.ResponseWriter, r *http.Request, method *simulator.Method) bool {
	var version string
	wait := 30 * time.Minute
	switch request := method.Body.(type) {
	case *types.CreateFilter:
		collector := v.collectors.of(r, method.This)
		filter := &PropertyFilter{collector: collector, told: map[string]told{}}
		filter.Spec, filter.PartialUpdates = request.Spec, request.PartialUpdates
		simulator.Map.Put(filter)
		collector.mu.Lock()
		collector.filters = append(collector.filters, filter)
		collector.mu.Unlock()
		respond(w, method, &types.CreateFilterResponse{Returnval: filter.Self})
		return true
	case *types.CancelWaitForUpdates:
		select {
		case v.collectors.of(r, method.This).cancelled <- struct{}{}:
		default:
		}
		respond(w, method, &types.CancelWaitForUpdatesResponse{})
		return true
	case *types.WaitForUpdatesEx:
		version = request.Version
		if request.Options != nil && request.Options.MaxWaitSeconds != nil {
			wait = time.Duration(*request.Options.MaxWaitSeconds) * time.Second
		}
	case *types.WaitForUpdates:
		version = request.Version
	case *types.CheckForUpdates:
		version, wait = request.Version, 0
	default:
		return false
	}
	v.wait(w, r, method, version, wait)
	return true
}

func (v *vcenter) wait(w http.ResponseWriter, r *http.Request, method *simulator.Method, version string, longest time.Duration) {
	collector := v.collectors.of(r, method.This)
	collector.mu.Lock()
	if version != fmt.Sprint(collector.version) { // from the beginning, or after an answer that was lost: everything
		for _, filter := range collector.filters {
			filter.told = map[string]told{}
		}
	}
	collector.mu.Unlock()
	for end := time.Now().Add(longest); ; {
		collector.mu.Lock()
		updates, failure := v.news(r, collector)
		if updates != "" {
			collector.version++
			updates = fmt.Sprintf("<returnval><version>%d</version>%s</returnval>", collector.version, updates)
		}
		collector.mu.Unlock()
		if failure != nil { // the session has ended, for instance
			w.WriteHeader(failure.Code)
			_, _ = w.Write(failure.Body.Bytes())
			return
		}
		if updates != "" || !time.Now().Before(end) {
			respond(w, method, raw{updates})
			return
		}
		select {
		case <-time.After(pollInterval):
		case <-r.Context().Done():
			return
		case <-collector.cancelled:
			respondFault(w, fault{&types.RequestCanceled{}, "The wait was canceled."})
			return
		}
	}
}

// raw is XML that is there already.
type raw struct {
	XML string `xml:",innerxml"`
}

// news is the XML of what the filters' objects have that the client was not told; it counts as told now.
func (v *vcenter) news(r *http.Request, collector *collector) (string, *httptest.ResponseRecorder) {
	var updates strings.Builder
	for _, filter := range collector.filters {
		now, failure := v.look(r, filter.Spec)
		if failure != nil {
			return "", failure
		}
		if changes := differences(filter.told, now); changes != "" {
			fmt.Fprintf(&updates, `<filterSet><filter type="PropertyFilter">%s</filter>%s</filterSet>`, filter.Self.Value, changes)
		}
		filter.told = now
	}
	return updates.String(), nil
}

func differences(before, now map[string]told) string {
	var text strings.Builder
	for _, id := range keys(now) {
		old, known := before[id]
		kind := "enter"
		if known {
			kind = "modify"
		}
		changes := changeSet(old.properties, now[id].properties)
		if changes != "" || !known {
			fmt.Fprintf(&text, `<objectSet><kind>%s</kind>%s%s</objectSet>`, kind, now[id].reference, changes)
		}
	}
	for _, id := range keys(before) {
		if _, there := now[id]; !there {
			fmt.Fprintf(&text, `<objectSet><kind>leave</kind>%s</objectSet>`, before[id].reference)
		}
	}
	return text.String()
}

func changeSet(before, now map[string]string) string {
	var text strings.Builder
	for _, name := range keys(now) {
		if old, known := before[name]; !known || old != now[name] {
			fmt.Fprintf(&text, `<changeSet><name>%s</name><op>assign</op>%s</changeSet>`, name, now[name])
		}
	}
	for _, name := range keys(before) {
		if _, there := now[name]; !there { // it is unset now
			fmt.Fprintf(&text, `<changeSet><name>%s</name><op>assign</op></changeSet>`, name)
		}
	}
	return text.String()
}

// look retrieves the properties as the client would: its views are known in its session only.
func (v *vcenter) look(r *http.Request, spec types.PropertyFilterSpec) (map[string]told, *httptest.ResponseRecorder) {
	spec.ReportMissingObjectsInResults = types.NewBool(true)
	body, err := xml.Marshal(soap.Envelope{
		Header: &soap.Header{},
		Body: &methods.RetrievePropertiesExBody{Req: &types.RetrievePropertiesEx{
			This: vpx.ServiceContent.PropertyCollector, SpecSet: []types.PropertyFilterSpec{spec},
		}},
	})
	if err != nil {
		panic(err)
	}
	request := r.Clone(r.Context())
	request.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	v.inner.ServeHTTP(answer, request)
	if answer.Code != http.StatusOK {
		return nil, answer
	}
	var found struct {
		Objects []struct {
			Reference struct {
				Type  string `xml:"type,attr"`
				Value string `xml:",chardata"`
			} `xml:"obj"`
			Properties []struct {
				Name string `xml:"name"`
				XML  string `xml:",innerxml"`
			} `xml:"propSet"`
		} `xml:"Body>RetrievePropertiesExResponse>returnval>objects"`
	}
	if err := xml.Unmarshal(answer.Body.Bytes(), &found); err != nil {
		panic(err)
	}
	objects := map[string]told{}
	for _, object := range found.Objects {
		id := object.Reference.Value
		reference := fmt.Sprintf(`<obj type="%s">%s</obj>`, object.Reference.Type, id)
		properties := map[string]string{}
		for _, property := range object.Properties {
			properties[property.Name] = property.XML[strings.Index(property.XML, "<val"):]
		}
		objects[id] = told{reference, properties}
	}
	return objects, nil
}

func keys[Value any](values map[string]Value) (sorted []string) {
	for key := range values {
		sorted = append(sorted, key)
	}
	sort.Strings(sorted)
	return sorted
}
