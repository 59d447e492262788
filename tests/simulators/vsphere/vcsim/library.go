package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

const (
	restSession  = "/rest/com/vmware/cis/session"
	restLibrary  = "/rest/com/vmware/content/library"
	restItem     = restLibrary + "/item"
	libraryName  = "images"
	fileData     = "/rest/com/vmware/cis/data/"
	deployAction = "/rest/com/vmware/vcenter/ovf/library-item/id:"
)

// serveREST adds what the library's REST leaves out: the password, the disks of an OVA, and the disks of what is
// deployed from a content library.
func (v *vcenter) serveREST(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost && r.URL.Path == restSession && r.URL.Query().Get("~action") == "":
		if name, secret, ok := r.BasicAuth(); !ok || !v.authentic(name, secret) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"type":"com.vmware.vapi.std.errors.unauthenticated","value":{"messages":[]}}`)
			return
		}
	case r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, fileData) && path.Ext(r.URL.Path) == ".ova":
		v.unpack(w, r)
		return
	case r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, deployAction) && r.URL.Query().Get("~action") == "deploy":
		v.deploy(w, r)
		return
	}
	v.inner.ServeHTTP(w, r)
}

// unpack an OVA: its members become files of the item, as a vCenter does.
func (v *vcenter) unpack(w http.ResponseWriter, r *http.Request) {
	archive := tar.NewReader(r.Body)
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		member := r.Clone(r.Context())
		member.URL.Path = path.Join(path.Dir(r.URL.Path), path.Base(header.Name))
		member.Body = io.NopCloser(archive)
		answer := httptest.NewRecorder()
		v.inner.ServeHTTP(answer, member)
		if answer.Code >= http.StatusMultipleChoices {
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes())
			return
		}
	}
}

// deploy makes the machine by the library, then gives it the disks of the item.
func (v *vcenter) deploy(w http.ResponseWriter, r *http.Request) {
	item := strings.TrimPrefix(r.URL.Path, deployAction)
	answer := httptest.NewRecorder()
	v.inner.ServeHTTP(answer, r)
	var deployed struct {
		Value struct {
			Succeeded bool `json:"succeeded"`
			Resource  struct {
				Value string `json:"id"`
			} `json:"resource_id"`
		} `json:"value"`
	}
	if json.Unmarshal(answer.Body.Bytes(), &deployed) == nil && deployed.Value.Succeeded {
		ref := types.ManagedObjectReference{Type: "VirtualMachine", Value: deployed.Value.Resource.Value}
		if err := v.fill(ref, item); err != nil {
			log.Print(err)
			_ = v.destroy(ref)
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (v *vcenter) fill(ref types.ManagedObjectReference, item string) error {
	vm, err := find(ref)
	if err != nil {
		return err
	}
	store := datastore("LocalDS_0").Info.GetDatastoreInfo().Url
	files, _ := filepath.Glob(filepath.Join(store, "contentlib-*", item, "*.vmdk"))
	disks := disksOf(vm)
	if len(files) != len(disks) {
		return fmt.Errorf("the item has %d disks, its descriptor %d", len(files), len(disks))
	}
	for i, disk := range disks {
		if err := importDisk(background, files[i], disk); err != nil {
			return err
		}
	}
	return stretch(vm)
}

// makeLibrary makes the content library that the inventory starts with.
func (v *vcenter) makeLibrary() error {
	spec := map[string]interface{}{"create_spec": map[string]interface{}{
		"name": libraryName, "type": "LOCAL",
		"storage_backings": []map[string]string{
			{"type": "DATASTORE", "datastore_id": datastore("LocalDS_0").Self.Value},
		},
	}}
	return v.rest(http.MethodPost, "/rest/com/vmware/content/local-library", spec, &v.library)
}

// rest asks the library's REST in process, and puts the answer's value into result.
func (v *vcenter) rest(method, target string, body, result interface{}) error {
	var session string
	if err := v.restCall(http.MethodPost, restSession, "", nil, &session); err != nil {
		return err
	}
	defer func() { _ = v.restCall(http.MethodDelete, restSession, session, nil, nil) }()
	return v.restCall(method, target, session, body, result)
}

func (v *vcenter) restCall(method, target, session string, body, result interface{}) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request := httptest.NewRequest(method, target, bytes.NewReader(content))
	request.SetBasicAuth(*user, *password)
	request.Header.Set("vmware-api-session-id", session)
	answer := httptest.NewRecorder()
	v.inner.ServeHTTP(answer, request)
	if answer.Code != http.StatusOK {
		return fmt.Errorf("%s %s: %d %s", method, target, answer.Code, answer.Body)
	}
	if result == nil || answer.Body.Len() == 0 {
		return nil
	}
	wrapped := struct {
		Value interface{} `json:"value"`
	}{result}
	return json.Unmarshal(answer.Body.Bytes(), &wrapped)
}

// libraryItems names what the content libraries hold, as `library/item`, and the libraries beyond the first.
func (v *vcenter) libraryItems() (libraries, items []string, err error) {
	var ids []string
	if err := v.rest(http.MethodGet, restLibrary, nil, &ids); err != nil {
		return nil, nil, err
	}
	for _, id := range ids {
		var library, item struct{ Name string }
		if err := v.rest(http.MethodGet, restLibrary+"/id:"+id, nil, &library); err != nil {
			return nil, nil, err
		}
		if id != v.library {
			libraries = append(libraries, library.Name)
		}
		var found []string
		if err := v.rest(http.MethodGet, restItem+"?library_id="+id, nil, &found); err != nil {
			return nil, nil, err
		}
		for _, one := range found {
			if err := v.rest(http.MethodGet, restItem+"/id:"+one, nil, &item); err != nil {
				return nil, nil, err
			}
			items = append(items, library.Name+"/"+item.Name)
		}
	}
	return libraries, items, nil
}

// strays are folders of the datastore that belong to no machine and to no content library.
func strays() (names []string) {
	homes := map[string]bool{}
	for _, entity := range simulator.Map.All("VirtualMachine") {
		homes[vmFolderOf(entity.(*simulator.VirtualMachine))] = true
	}
	store := datastore("LocalDS_0").Info.GetDatastoreInfo().Url
	entries, _ := os.ReadDir(store)
	for _, entry := range entries {
		if !homes[filepath.Join(store, entry.Name())] && !strings.HasPrefix(entry.Name(), "contentlib-") {
			names = append(names, entry.Name())
		}
	}
	return names
}
