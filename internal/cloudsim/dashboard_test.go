package cloudsim

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
)

// visit asks for a page of the admin server as a browser does.
func visit(t *testing.T, client *http.Client, method, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestDashboard(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	makeNetwork(t, c, "admin", "<b>웹</b>")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	if resp := visit(t, browser, "GET", c.AdminURL()+"/"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a ticket: got %d", resp.StatusCode)
	}
	status, body := admin(t, c, "POST", "/ticket", nil)
	var made struct{ Ticket string }
	if err := json.Unmarshal([]byte(body), &made); err != nil || status != 200 {
		t.Fatalf("ticket: %d %s", status, body)
	}
	resp := visit(t, browser, "GET", c.AdminURL()+"/?ticket="+made.Ticket)
	if resp.StatusCode != 200 || resp.Request.URL.RawQuery != "" || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("with a ticket: got %d at %s", resp.StatusCode, resp.Request.URL)
	}
	tests := map[string]struct {
		client       *http.Client
		method, path string
		status       int
	}{
		"the ticket again":         {&http.Client{}, "GET", "/?ticket=" + made.Ticket, 401},
		"the script":               {browser, "GET", "/dashboard.js", 200},
		"keys are not for looking": {browser, "GET", "/status", 401},
		"nor is anything to do":    {browser, "POST", "/reset", 401},
		"nor with a page's path":   {browser, "DELETE", "/", 401},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if resp := visit(t, tt.client, tt.method, c.AdminURL()+tt.path); resp.StatusCode != tt.status {
				t.Errorf("got %d, want %d", resp.StatusCode, tt.status)
			}
		})
	}
}

// nextData reads the next inventory of an event stream.
func nextData(t *testing.T, lines *bufio.Scanner) Inventory {
	t.Helper()
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "data: {"); ok {
			var in Inventory
			if err := json.Unmarshal([]byte("{"+text), &in); err != nil {
				t.Fatal(err)
			}
			return in
		}
	}
	t.Fatalf("the stream ended: %v", lines.Err())
	return Inventory{}
}

func TestDashboardIsLive(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", c.AdminURL()+"/dashboard/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	if in := nextData(t, lines); len(in.Networks) != 0 || in.Zones[0] != "zone-1" {
		t.Errorf("an empty cloud: got %+v", in)
	}
	makeNetwork(t, c, "admin", "web")
	if in := nextData(t, lines); len(in.Networks) != 1 || in.Networks[0].Name != "web" || in.Counts["networks"] != 1 {
		t.Errorf("with a network: got %+v", in.Networks)
	}
}
