package cloudsim

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// sessionTimeout is how long a session lives without a call.
const sessionTimeout = 30 * time.Minute

// session is a browser's login. Sessions live in memory alone: a restart of the server ends them.
type session struct {
	userID string
	key    string
	used   time.Time
}

// sessions are those that are logged in, by the value of the cookie JSESSIONID.
type sessions struct {
	mu  sync.Mutex
	all map[string]*session
}

const sessionCookie, keyCookie = "JSESSIONID", "sessionkey"

// open starts a session for a user and returns its cookie's value and its key.
func (s *sessions) open(userID string, now time.Time) (id, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[string]*session)
	}
	for old, v := range s.all {
		if now.Sub(v.used) > sessionTimeout {
			delete(s.all, old)
		}
	}
	id, key = "node0"+strings.ToLower(rand.Text())+".node0", sessionKey()
	s.all[id] = &session{userID: userID, key: key, used: now}
	return id, key
}

func sessionKey() string {
	var b [20]byte
	rand.Read(b[:]) //nolint:errcheck // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// use finds the session of a cookie and judges the key, which must come as a cookie and as a parameter (the server's setting
// api.sessionkey.check.locations). A call with a wrong key, or without one, ends the session.
func (s *sessions) use(id string, keys [2]string, now time.Time) (userID string, known, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, known := s.all[id]
	if known && now.Sub(v.used) > sessionTimeout {
		delete(s.all, id)
		return "", false, false
	}
	if !known {
		return "", false, false
	}
	for _, key := range keys {
		if subtle.ConstantTimeCompare([]byte(key), []byte(v.key)) != 1 {
			delete(s.all, id)
			return "", true, false
		}
	}
	v.used = now
	return v.userID, true, true
}

func (s *sessions) end(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.all[id]
	delete(s.all, id)
	return known
}

// clear ends all sessions.
func (s *sessions) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = nil
}

// readCookies adds what a request's cookies say of its session.
func (r *request) readCookies(h *http.Request) {
	r.method = h.Method
	if ck, err := h.Cookie(sessionCookie); err == nil {
		r.session = ck.Value
	}
	if ck, err := h.Cookie(keyCookie); err == nil {
		r.sessionKeys[0] = ck.Value
	}
	r.sessionKeys[1] = r.params.Str("sessionkey")
}

// authenticateSession finds the caller of a request that carries no key but a session.
func (c *Cloud) authenticateSession(req request, envelope string) (Caller, *answer) {
	userID, known, ok := c.sessions.use(req.session, req.sessionKeys, c.clock.Now())
	text := textUnverified
	if known {
		text = "unable to verify user credentials"
	}
	no := refuse(envelope, &APIError{HTTP: 401, CS: csAbsent, Text: text, NoText: true})
	if !ok {
		return Caller{}, &no
	}
	if req.name == "" {
		no = refuse(envelope, &APIError{HTTP: 400, CS: csAbsent, Text: "no command specified", NoText: true})
		return Caller{}, &no
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	u, ok := c.store.Users.Get(userID)
	a, found := c.store.Accounts.Get(u.AccountID)
	if !ok || !found || u.State != "enabled" || a.State != "enabled" {
		c.sessions.end(req.session)
		return Caller{}, &no
	}
	caller := Caller{User: u, Account: a}
	if c.table[req.name] == nil {
		no = unavailable(req.name, caller)
		if caller.Root() {
			no = refuse("errorresponse", Fail(432, csServer, "Unknown API command: %s", req.name))
		}
		return Caller{}, &no
	}
	return caller, nil
}

// login answers the one command that needs no credentials but a password. It must be posted, so that the password is in no
// log.
func (c *Cloud) login(w http.ResponseWriter, req request) answer {
	const envelope = "loginresponse"
	if req.method != http.MethodPost {
		return refuse(envelope, Fail(405, csServer, "Please use HTTP POST to authenticate using this API"))
	}
	for _, p := range []string{"username", "password"} {
		if req.params.Str(p) == "" {
			return refuse(envelope, &APIError{HTTP: 431, CS: csAbsent, Text: "Failed to authenticate user, check if username/password are correct", NoText: true})
		}
	}
	c.mu.Lock()
	domain, found := c.loginDomain(req.params)
	u, account, ok := c.userWithPassword(req.params.Str("username"), req.params.Str("password"), domain)
	c.mu.Unlock()
	if !found || !ok {
		who := "in domain " + itoa(domain.N)
		if !found {
			who = "in domain " + req.params.Or("domain", req.params.Str("domainid"))
		}
		return refuse(envelope, &APIError{HTTP: 531, CS: csAbsent, NoText: true,
			Text: "Failed to authenticate user " + req.params.Str("username") + " " + who + "; please provide valid credentials"})
	}
	id, key := c.sessions.open(u.ID, c.clock.Now())
	w.Header().Set("Expires", "Thu, 01 Jan 1970 00:00:00 GMT")
	w.Header().Add("Set-Cookie", sessionCookie+"="+id+"; Path=/client")
	w.Header().Add("Set-Cookie", keyCookie+"="+key+";HttpOnly;SameSite=Lax")
	o := Obj{"username": u.Username, "userid": u.ID, "domainid": domain.ID, "timeout": int(sessionTimeout.Seconds()), "account": account.Name,
		"firstname": u.FirstName, "lastname": u.LastName, "type": strconv.Itoa(int(account.Type)), "timezone": valueOr(u.Timezone, "UTC"),
		"timezoneoffset": zoneOffset(u.Timezone, c.clock.Now()), "registered": "false", "sessionkey": key, "is2faenabled": "false",
		"is2faverified": "true", "issuerfor2fa": "CloudStack"}
	if account.Type == AccountAdmin {
		o["managementserverid"] = managementServerID
	}
	return answer{status: http.StatusOK, body: map[string]any{envelope: o}}
}

// managementServerID is the id of the one management server there is.
const managementServerID = "6d1ccda4-4f92-457d-8d41-6783fb31825d"

// zoneOffset is a time zone's distance from UTC in hours, as the login shows it.
func zoneOffset(zone string, now time.Time) string {
	where, err := time.LoadLocation(zone)
	if err != nil {
		return "0.0"
	}
	_, seconds := now.In(where).Zone()
	return strconv.FormatFloat(float64(seconds)/3600, 'f', 1, 64)
}

// loginDomain is the domain a login names: "/a/b", "a/b" or the id; the root without.
func (c *Cloud) loginDomain(p Params) (Domain, bool) {
	path := "ROOT"
	if d := strings.Trim(p.Str("domain"), "/"); d != "" && d != "ROOT" {
		path = "ROOT/" + strings.TrimPrefix(d, "ROOT/")
	}
	id := p.Str("domainid")
	return c.store.Domains.Find(func(d Domain) bool {
		if id != "" {
			return d.ID == id || itoa(d.N) == id
		}
		return d.Path == path
	})
}

func (c *Cloud) userWithPassword(name, password string, d Domain) (User, Account, bool) {
	var account Account
	u, ok := c.store.Users.Find(func(u User) bool {
		a, ok := c.store.Accounts.Get(u.AccountID)
		account = a
		return ok && u.Username == name && a.DomainID == d.ID && u.State == "enabled" && a.State == "enabled" && u.hasPassword(password)
	})
	return u, account, ok
}

// logout ends a session.
func (c *Cloud) logout(req request) answer {
	if !c.sessions.end(req.session) {
		return refuse("logoutresponse", BadParam("Session not found for the logout process."))
	}
	return answer{status: http.StatusOK, body: map[string]any{"logoutresponse": Obj{"description": "success"}}}
}
