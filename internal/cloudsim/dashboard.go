package cloudsim

import (
	"crypto/rand"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// dashboardFiles are the page, its style and its script; it takes nothing from anywhere else.
//
//go:embed dashboard
var dashboardFiles embed.FS

// dashboard serves a page to look at the cloud with. It shows and changes nothing.
func (c *Cloud) dashboard(mux *http.ServeMux) {
	for path, file := range map[string]struct{ name, kind string }{
		"GET /{$}":           {"index.html", "text/html; charset=utf-8"},
		"GET /dashboard.css": {"dashboard.css", "text/css; charset=utf-8"},
		"GET /dashboard.js":  {"dashboard.js", "text/javascript; charset=utf-8"},
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			text, err := dashboardFiles.ReadFile("dashboard/" + file.name)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			h := w.Header()
			h.Set("Content-Type", file.kind)
			h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("Cache-Control", "no-store")
			w.Write(text) //nolint:errcheck // a client that went away is no concern of the cloud's
		})
	}
	mux.HandleFunc("GET /dashboard/events", c.dashboardEvents)
}

// lookEvery is how often the cloud looks whether a visitor must be told something, in real time.
const lookEvery = time.Second

// dashboardEvents sends an inventory at once and then whenever it has changed, as server-sent events.
func (c *Cloud) dashboardEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	before := ""
	for {
		in := c.Inventory()
		line := "event: time\ndata: " + in.Now.Format(time.RFC3339) + "\n\n"
		in.Now = time.Time{}
		text, err := json.Marshal(in)
		if err != nil {
			return
		}
		if now := string(text); now != before {
			line, before = line+"data: "+now+"\n\n", now
		}
		if _, err := fmt.Fprint(w, line); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		case <-c.ctx.Done():
			return
		}
	}
}

// visitors may look at the dashboard: whoever came with a ticket, which is good for one visit, gets a cookie.
type visitors struct {
	mu      sync.Mutex
	tickets map[string]time.Time // until when they are good
	cookies map[string]bool
}

const (
	ticketTime    = 10 * time.Minute
	visitorCookie = "moldctl-cloud"
	maxVisitors   = 1000
)

// ticket makes a ticket.
func (v *visitors) ticket() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.tickets == nil || len(v.tickets) >= maxVisitors {
		v.tickets = make(map[string]time.Time)
	}
	t := rand.Text()
	v.tickets[t] = time.Now().Add(ticketTime)
	return t
}

// enter changes a ticket into a cookie and sends the browser on, so that the ticket is in no history.
func (v *visitors) enter(w http.ResponseWriter, r *http.Request) bool {
	ticket := r.URL.Query().Get("ticket")
	v.mu.Lock()
	defer v.mu.Unlock()
	until, ok := v.tickets[ticket]
	delete(v.tickets, ticket)
	if !ok || time.Now().After(until) {
		return false
	}
	if v.cookies == nil || len(v.cookies) >= maxVisitors {
		v.cookies = make(map[string]bool)
	}
	cookie := rand.Text()
	v.cookies[cookie] = true
	http.SetCookie(w, &http.Cookie{Name: visitorCookie, Value: cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return true
}

// admitted reports whether a visitor may make this request: look, and nothing else.
func (v *visitors) admitted(r *http.Request) bool {
	switch r.URL.Path {
	case "/", "/dashboard.css", "/dashboard.js", "/dashboard/events":
	default:
		return false
	}
	cookie, err := r.Cookie(visitorCookie)
	if err != nil || r.Method != http.MethodGet {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.cookies[cookie.Value]
}
