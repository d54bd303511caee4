package cloudsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// admin sends a request to the admin API and returns status and body.
func admin(t *testing.T, c *Cloud, method, path string, body any) (int, string) {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, c.AdminURL()+path, bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// try is call for requests that may get no answer at all. It uses a connection of its own, so that the transport does not
// send the request again.
func try(t *testing.T, c *Cloud, command string, kv ...string) (int, error) {
	t.Helper()
	keys, _ := c.Keys("admin")
	params := url.Values{"command": {command}, "apikey": {keys.APIKey}, "response": {"json"}}
	for i := 0; i+1 < len(kv); i += 2 {
		params.Set(kv[i], kv[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post(c.Endpoint(), "application/x-www-form-urlencoded", strings.NewReader(signQuery(params, keys.SecretKey)))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault    Fault
		status   int  // 0: no answer
		networks int  // made by one faulty and one good call
		lost     bool // the audit log knows that the answer was lost
		reason   string
	}{
		"reset before": {Fault{Kind: "reset"}, 0, 1, false, "nothing was processed"},
		"reset after":  {Fault{Kind: "reset", Where: "after"}, 0, 2, true, "processed, the answer lost"},
		"refuse":       {Fault{Kind: "refuse"}, 0, 1, false, "closed without an answer"},
		"429":          {Fault{Kind: "status", Status: 429}, 429, 1, false, "throttled"},
		"503":          {Fault{Kind: "status", Status: 503}, 503, 1, false, "unavailable"},
		"530 after":    {Fault{Kind: "status", Status: 530, Where: "after"}, 530, 2, true, "failed after the work was done"},
		"delay":        {Fault{Kind: "delay", DelayMS: 1}, 200, 2, false, "late but whole"},
		"second call":  {Fault{Kind: "status", Status: 503, Nth: 2}, 200, 1, false, "only the second call"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startCloud(t, Options{})
			zone := must(t, c, "admin", "listZones").items("zone")[0]["id"].(string)
			offering := idOf(t, c, "admin", "listNetworkOfferings", "networkoffering", sourceNATOffering)
			tt.fault.Command = "createNetwork"
			if _, err := c.AddFault(tt.fault); err != nil {
				t.Fatal(err)
			}
			create := func() (int, error) {
				return try(t, c, "createNetwork", "name", "n", "zoneid", zone, "networkofferingid", offering)
			}
			status, err := create()
			if status != tt.status || (err != nil) != (tt.status == 0) {
				t.Errorf("%s: first call: got %d, %v", tt.reason, status, err)
			}
			if _, err := create(); err != nil {
				t.Errorf("second call: %v", err)
			}
			if got := len(must(t, c, "admin", "listNetworks").items("network")); got != tt.networks {
				t.Errorf("%s: got %d networks, want %d", tt.reason, got, tt.networks)
			}
			log := c.Audit()
			if len(log) == 0 || log[0].Lost != tt.lost {
				t.Errorf("audit: got %+v", log)
			}
		})
	}
}

func TestJobFaults(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	network := makeNetwork(t, c, "admin", "web")
	if status, body := admin(t, c, "POST", "/faults", Fault{Command: "updateNetwork", Kind: "job_fail", Code: 534, Text: "no such luck"}); status != 200 {
		t.Fatalf("add a fault: %d %s", status, body)
	}
	r := await(t, c, "admin", must(t, c, "admin", "updateNetwork", "id", network, "name", "x"))
	if diff := cmp.Diff(map[string]any{"errorcode": 534.0, "errortext": "no such luck"}, r.body); diff != "" {
		t.Errorf("failed job (-want +got):\n%s", diff)
	}
	if _, err := c.AddFault(Fault{Command: "deleteTags", Kind: "job_hang"}); err != nil {
		t.Fatal(err)
	}
	hung := must(t, c, "admin", "deleteTags", "resourceids", network, "resourcetype", "Network")
	mustJob(t, c, "admin", "updateNetwork", "id", network, "name", "y")
	if r := must(t, c, "admin", "queryAsyncJobResult", "jobid", hung.str("jobid")); r.body["jobstatus"] != float64(JobPending) {
		t.Errorf("a hanging job: got %s", r.raw)
	}
	if _, err := c.AddFault(Fault{Kind: "nonsense"}); err == nil {
		t.Error("an unknown kind was accepted")
	}
}

func TestHold(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	f, err := c.AddFault(Fault{Command: "listZones", Kind: "hold"})
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		status, err := try(t, c, "listZones")
		if err == nil && status != 200 {
			err = errors.New("refused")
		}
		answered <- err
	}()
	settled(t, "the call is held", func() bool { return c.Faults()[0].Held == 1 })
	select {
	case err := <-answered:
		t.Fatalf("answered while held: %v", err)
	default:
	}
	c.RemoveFault(f.ID)
	if err := <-answered; err != nil {
		t.Errorf("released: %v", err)
	}
}

func TestAuditAndAdmin(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	network := makeNetwork(t, c, "admin", "web", "externalid", "key-1")
	job := must(t, c, "admin", "associateIpAddress", "networkid", network)
	await(t, c, "admin", job)
	call(t, c, "user", "deleteNetwork", "id", network)
	var got []AuditEntry
	status, body := admin(t, c, "GET", "/audit?since=1", nil)
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 {
		t.Fatalf("audit: %d %s", status, body)
	}
	for i := range got {
		got[i].Base = Base{N: got[i].N}
	}
	want := []AuditEntry{
		{Base: Base{N: 2}, Account: "admin", Command: "associateIpAddress", Params: map[string]string{"networkid": network}, Status: 200,
			EntityID: job.str("id"), JobID: job.str("jobid"), JobStatus: JobSucceeded},
		{Base: Base{N: 3}, Account: "user", Command: "deleteNetwork", Params: map[string]string{"id": network}, Status: 531,
			ErrorText: "Caller does not have permission to operate with provided resource."},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
	grown := make(chan string, 1)
	go func() { _, body := admin(t, c, "GET", "/audit?since=3&wait=20", nil); grown <- body }()
	makeNetwork(t, c, "admin", "more")
	if b := <-grown; !strings.Contains(b, "createNetwork") {
		t.Errorf("long poll: got %s", b)
	}
	for path, header := range map[string]string{"/status": "", "/audit": "Bearer wrong"} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", c.AdminURL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", header)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 401 {
			t.Errorf("%s with token %q: got %d, want 401", path, header, resp.StatusCode)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", c.AdminURL()+"/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	req.Header.Set("Authorization", "Bearer "+c.Token())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 403 {
		t.Errorf("a foreign host name: got %d, want 403", resp.StatusCode)
	}
}

func TestMaskParams(t *testing.T) {
	t.Parallel()
	got := maskParams(Params{"name": "x", "password": "p", "details[0].rootPassword": "p", "userdata": "aGk=", "signature": "s", "apikey": "k"})
	want := map[string]string{"name": "x", "password": masked, "details[0].rootPassword": masked, "userdata": masked}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
