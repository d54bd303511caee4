package cloudsim

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// startCloud starts a cloud that ends with the test.
func startCloud(t *testing.T, opts Options) *Cloud {
	t.Helper()
	c, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// result is the answer to a call: its status and what is inside the envelope.
type result struct {
	status   int
	envelope string
	header   http.Header
	raw      string
	body     map[string]any
}

func (r result) text() string { s, _ := r.body["errortext"].(string); return s }

func (r result) str(field string) string { s, _ := r.body[field].(string); return s }

// object is a nested object of the body, nil if absent.
func (r result) object(field string) map[string]any {
	o, _ := r.body[field].(map[string]any)
	return o
}

// items are the objects of a list answer.
func (r result) items(field string) []map[string]any {
	list, _ := r.body[field].([]any)
	out := make([]map[string]any, 0, len(list))
	for _, v := range list {
		o, _ := v.(map[string]any)
		out = append(out, o)
	}
	return out
}

// signQuery signs parameters the way CloudStack's documentation says (names are not encoded for the signature); it shares no
// code with the front end.
func signQuery(params url.Values, secret string) string {
	pairs := make([]string, 0, len(params))
	for _, name := range sortedKeys(params) {
		pairs = append(pairs, name+"="+strings.NewReplacer("+", "%20", "%2A", "*", "~", "%7E").Replace(url.QueryEscape(params.Get(name))))
	}
	encoded := strings.Join(pairs, "&")
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(strings.ToLower(encoded)))
	return encoded + "&signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// call sends one command as an account; kv are names and values.
func call(t *testing.T, c *Cloud, account, command string, kv ...string) result {
	t.Helper()
	keys, ok := c.Keys(account)
	if !ok {
		t.Fatalf("no account %q", account)
	}
	params := url.Values{"command": {command}, "apikey": {keys.APIKey}, "response": {"json"}}
	for i := 0; i+1 < len(kv); i += 2 {
		params.Set(kv[i], kv[i+1])
	}
	resp, err := http.Post(c.Endpoint(), "application/x-www-form-urlencoded", strings.NewReader(signQuery(params, keys.SecretKey)))
	if err != nil {
		t.Fatal(err)
	}
	return readResult(t, resp)
}

func readResult(t *testing.T, resp *http.Response) result {
	t.Helper()
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := result{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	var top map[string]map[string]any
	if err := json.Unmarshal(raw, &top); err != nil || len(top) != 1 {
		t.Fatalf("answer is not one JSON object with one key: %s", raw)
	}
	for k, v := range top {
		r.envelope, r.body = k, v
	}
	return r
}

// must is call for a command that has to succeed.
func must(t *testing.T, c *Cloud, account, command string, kv ...string) result {
	t.Helper()
	r := call(t, c, account, command, kv...)
	if r.status != 200 {
		t.Fatalf("%s: %d %s", command, r.status, r.raw)
	}
	return r
}

// await polls a job to its end: its result, or (with status 2) its error's code and text.
func await(t *testing.T, c *Cloud, account string, started result) result {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		r := must(t, c, account, "queryAsyncJobResult", "jobid", started.str("jobid"))
		if r.body["jobstatus"] != float64(JobPending) {
			r.body, _ = r.body["jobresult"].(map[string]any)
			return r
		}
		if time.Now().After(deadline) {
			t.Fatalf("job %s did not end: %s", started.str("jobid"), r.raw)
		}
		tick := time.NewTimer(5 * time.Millisecond)
		<-tick.C
	}
}

// mustJob runs an asynchronous command to its successful end and returns the job's result.
func mustJob(t *testing.T, c *Cloud, account, command string, kv ...string) result {
	t.Helper()
	r := await(t, c, account, must(t, c, account, command, kv...))
	if r.text() != "" {
		t.Fatalf("%s: job failed: %s", command, r.text())
	}
	return r
}
