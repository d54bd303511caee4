package cloudsim

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// maxBody is the largest form the front end reads: user data of 1 MiB and what surrounds it, percent-encoded.
const maxBody = 8 << 20

const textUnverified = "unable to verify user credentials and/or request signature"

// request is an API request before it is known to be a valid call.
type request struct {
	name   string            // value of "command"
	sent   map[string]string // names as sent, for the signature
	params Params
	xml    bool

	method      string
	session     string    // value of the session cookie
	sessionKeys [2]string // of the cookie and of the parameter
}

// answer is what goes back: a status and a body.
type answer struct {
	status      int
	body        any
	description string // X-Description
}

// serveAPI is the handler of /client/api.
func (c *Cloud) serveAPI(w http.ResponseWriter, r *http.Request) {
	req, err := readRequest(r)
	if err != nil {
		http.Error(w, "cannot read the request: "+err.Error(), http.StatusBadRequest)
		return
	}
	switch req.name {
	case "login":
		c.write(w, req, c.login(w, req))
		return
	case "logout":
		c.write(w, req, c.logout(req))
		return
	}
	fault := c.faults.match(req.name)
	if fault.stops(faultBefore) {
		if c.applyFault(r.Context(), w, req, fault) {
			return
		}
	}
	a := c.answer(r.Context(), req, fault)
	if fault.stops(faultAfter) && c.applyFault(r.Context(), w, req, fault) {
		return
	}
	c.write(w, req, a)
}

func readRequest(r *http.Request) (request, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return request{}, err
	}
	form := url.Values{}
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(nil, r.Body, maxBody)
		r.URL.RawQuery = ""
		if err := r.ParseForm(); err != nil {
			return request{}, err
		}
		form = r.PostForm
	}
	req := request{sent: make(map[string]string), params: newParams(query, form)}
	for _, values := range []url.Values{form, query} {
		for name, v := range values {
			if len(v) > 0 {
				req.sent[name] = v[len(v)-1]
			}
		}
	}
	req.name = req.sent["command"]
	req.xml = !strings.EqualFold(req.sent["response"], "json")
	req.readCookies(r)
	return req, nil
}

// answer verifies a request, runs it and shapes the result.
func (c *Cloud) answer(ctx context.Context, req request, fault *Fault) answer {
	c.gate.RLock()
	defer c.gate.RUnlock()
	caller, refusal := c.authenticate(req)
	if refusal != nil {
		return *refusal
	}
	if err := c.throttled(caller); err != nil {
		return refuse(envelopeOf(req.name, c.commands[req.name]), asAPIError(err))
	}
	return c.run(ctx, req, caller, fault)
}

// run runs the command of a request whose caller is known.
func (c *Cloud) run(ctx context.Context, req request, caller Caller, fault *Fault) answer {
	cmd, implemented := c.commands[req.name]
	if !implemented || !c.mayCall(caller, req.name, cmd) {
		return unavailable(req.name, caller)
	}
	call := &Call{Params: req.params, Tables: &c.store.Tables, Cloud: c, Ctx: ctx, Caller: caller, Name: req.name,
		declared: c.table[req.name], cmd: cmd}
	body, err := c.dispatch(call, fault)
	if err != nil {
		return refuse(envelopeOf(req.name, cmd), mask(asAPIError(err), caller))
	}
	return answer{status: http.StatusOK, body: map[string]any{envelopeOf(req.name, cmd): body}}
}

// authenticate finds the caller; every doubt about the signature has the same answer.
func (c *Cloud) authenticate(req request) (Caller, *answer) {
	envelope := "errorresponse"
	switch cmd, implemented := c.commands[req.name]; {
	case req.name == "":
		envelope = "null" // sic
	case implemented:
		envelope = envelopeOf(req.name, cmd)
	case c.table[req.name] != nil:
		envelope = strings.ToLower(req.name) + "response"
	}
	if req.session != "" && req.params.Str("apikey") == "" && req.params.Str("signature") == "" {
		return c.authenticateSession(req, envelope)
	}
	no := refuse(envelope, &APIError{HTTP: 401, CS: csAbsent, Text: textUnverified, NoText: true})
	unsigned := make(map[string]string, len(req.sent))
	var signature string
	for name, v := range req.sent {
		if strings.EqualFold(name, "signature") {
			signature = v
			continue
		}
		unsigned[name] = v
	}
	key := req.params.Str("apikey")
	if c.table[req.name] == nil || key == "" || signature == "" {
		return Caller{}, &no
	}
	if req.params.Str("signatureversion") == "3" && !fresh(req.params.Str("expires")) {
		return Caller{}, &no
	}
	caller, ok := c.callerOf(key)
	if cmd, implemented := c.commands[req.name]; ok && (!implemented || !c.mayCall(caller, req.name, cmd)) {
		no := unavailable(req.name, caller) // said before the signature is looked at
		return Caller{}, &no
	}
	if !ok || !c.opts.Flavor.signed(unsigned, caller.User.SecretKey, signature) {
		return Caller{}, &no
	}
	return caller, nil
}

// unavailable refuses a command that is not there, or not for this caller.
func unavailable(name string, caller Caller) answer {
	return refuse("errorresponse", Fail(432, csServer, "The API [%s] does not exist or is not available for the account for user id [%s].", name, caller.User.ID))
}

// mayCall reports whether the caller's role allows the command.
func (c *Cloud) mayCall(caller Caller, name string, cmd command) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.store.mayCall(caller.Account, name, cmd)
}

func (c *Cloud) callerOf(apiKey string) (Caller, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u, ok := c.store.Users.Find(func(u User) bool { return u.APIKey != "" && u.APIKey == apiKey })
	if !ok || u.State != "enabled" {
		return Caller{}, false
	}
	a, ok := c.store.Accounts.Get(u.AccountID)
	return Caller{User: u, Account: a}, ok && a.State == "enabled"
}

// mask hides the reason of server-side failures from all but root administrators, as the server does.
func mask(e *APIError, caller Caller) *APIError {
	if caller.Root() || e.CS == csServer || e.HTTP != 530 && e.HTTP != 533 && e.HTTP != 534 {
		return e
	}
	masked := *e
	masked.Text = "Internal error executing command, please contact your system administrator"
	return &masked
}

func refuse(envelope string, e *APIError) answer {
	a := answer{status: e.HTTP, body: errorBody(envelope, e)}
	if !e.NoText {
		a.description = e.Text
	}
	return a
}

func (c *Cloud) write(w http.ResponseWriter, req request, a answer) {
	form, contentType := encode, "application/json;charset=utf-8"
	if req.xml {
		form, contentType = encodeXML, "text/xml;charset=utf-8"
	}
	body, err := form(a.body)
	if err != nil {
		a.status, body = http.StatusInternalServerError, []byte(`{"errorresponse":{"uuidList":[],"errorcode":530,"errortext":"the answer cannot be encoded"}}`)
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-XSS-Protection", "1;mode=block")
	h["content-security-policy"] = []string{"1"}
	h.Set("Date", c.clock.Now().UTC().Format(http.TimeFormat))
	if a.description != "" {
		h.Set("X-Description", strings.Map(headerRune, a.description))
	}
	w.WriteHeader(a.status)
	w.Write(body) //nolint:errcheck // a client that went away is no concern of the cloud's
}

func headerRune(r rune) rune {
	if r == '\n' || r == '\r' || r > 0x7e {
		return ' '
	}
	return r
}
