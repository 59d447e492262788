package main

import (
	"crypto/subtle"
	"net/http"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// sessions remembers the cookies that it saw, so that they can be ended from outside.
type sessions struct {
	mu    sync.Mutex
	known map[string]bool
}

func (s *sessions) see(r *http.Request) {
	if cookie, err := r.Cookie(soap.SessionCookieName); err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.known == nil {
			s.known = map[string]bool{}
		}
		s.known[cookie.Value] = true
	}
}

// endSessions logs everybody out: their next call gets NotAuthenticated.
func (v *vcenter) endSessions() {
	v.sessions.mu.Lock()
	defer v.sessions.mu.Unlock()
	caller := &simulator.Context{Session: &simulator.Session{UserSession: types.UserSession{Key: "simulator"}}}
	for id := range v.sessions.known {
		simulator.Map.SessionManager().TerminateSession(caller, &types.TerminateSession{SessionId: []string{id}})
	}
	v.sessions.known = nil
}

func (v *vcenter) authenticated(r *http.Request) bool {
	cookie, err := r.Cookie(soap.SessionCookieName)
	if err != nil {
		return false
	}
	answer := simulator.Map.SessionManager().SessionIsActive(
		&simulator.Context{Map: simulator.Map}, &types.SessionIsActive{SessionID: cookie.Value, UserName: *user},
	)
	return answer.(*methods.SessionIsActiveBody).Res.Returnval
}

func (v *vcenter) authentic(name, secret string) bool {
	return name == *user && subtle.ConstantTimeCompare([]byte(secret), []byte(*password)) == 1
}
