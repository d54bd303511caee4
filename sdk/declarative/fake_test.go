package declarative_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/declarative"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// me is who the tests' credentials belong to.
var me = cloudstack.CallerIdentity{
	ZoneID: "zone-id", Zone: "zone-1", DomainID: "domain-id", Domain: "ROOT", AccountID: "account-id", Account: "admin", MayExpunge: true,
}

// unknownEntity is how the cloud answers an id it does not know.
const unknownEntity = `{"uuidList": [], "errorcode": 431, "cserrorcode": 9999, "errortext": "Unable to execute API command x due to invalid value. Invalid parameter id value=gone due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class."}`

// fake is an API that answers from a script and remembers what it was sent.
type fake struct {
	t       testing.TB
	url     string
	answer  map[string]func(url.Values) string // command → content of the answer, or of an error
	mu      sync.Mutex                         // guards requests, jobs
	sent    []string
	jobs    map[string]string
	journal []string
}

func newFake(t testing.TB) *fake {
	f := &fake{t: t, answer: map[string]func(url.Values) string{}, jobs: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// on scripts the answer to a command.
func (f *fake) on(command, answer string) *fake {
	f.answer[command] = func(url.Values) string { return answer }
	return f
}

// async scripts an asynchronous command: it names an object at once, and its
// job ends with the result (or an error when that holds an errorcode).
func (f *fake) async(command, id, result string) *fake {
	f.answer[command] = func(url.Values) string {
		f.mu.Lock()
		defer f.mu.Unlock()
		job := fmt.Sprintf("job-%d", len(f.jobs)+1)
		f.jobs[job] = result
		if id == "" {
			return fmt.Sprintf(`{"jobid": %q}`, job)
		}
		return fmt.Sprintf(`{"id": %q, "jobid": %q}`, id, job)
	}
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		f.t.Errorf("bad request: %v", err)
	}
	command := r.Form.Get("command")
	var body string
	if command == "queryAsyncJobResult" {
		f.mu.Lock()
		result := f.jobs[r.Form.Get("jobid")]
		f.mu.Unlock()
		status := 1
		if strings.Contains(result, "errorcode") {
			status = 2
		}
		body = fmt.Sprintf(`{"jobid": %q, "jobstatus": %d, "jobresultcode": 0, "jobresult": %s}`, r.Form.Get("jobid"), status, result)
	} else {
		f.record(command, r.Form)
		answer, ok := f.answer[command]
		if !ok {
			f.t.Errorf("unexpected command %s", command)
			answer = func(url.Values) string { return `{"uuidList": [], "errorcode": 432, "errortext": "not scripted"}` }
		}
		body = answer(r.Form)
	}
	var content map[string]any
	if err := json.Unmarshal([]byte(body), &content); err != nil {
		f.t.Errorf("script of %s: %v", command, err)
	}
	if code, ok := content["errorcode"].(float64); ok && command != "queryAsyncJobResult" {
		w.WriteHeader(int(code))
	}
	fmt.Fprintf(w, `{"%sresponse": %s}`, strings.ToLower(command), body)
}

// record keeps a request without what every request has.
func (f *fake) record(command string, form url.Values) {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(form)) {
		switch strings.ToLower(name) {
		case "command", "response", "apikey", "signature", "signatureversion", "expires", "page", "pagesize":
			continue
		}
		parts = append(parts, name+"="+form.Get(name))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, strings.Join(append([]string{command}, parts...), " "))
}

// requests returns what was sent, and forgets it.
func (f *fake) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	sent := f.sent
	f.sent = nil
	return sent
}

// Intent and Checkpoint make the fake a journal that remembers.
func (f *fake) Intent(_ context.Context, in cloudstack.Intent) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.journal = append(f.journal, fmt.Sprintf("%s %s %s", in.Key, in.Command, in.Identity.Kind))
	return nil
}

func (f *fake) Checkpoint(context.Context, cloudstack.Checkpoint) error { return nil }

func (f *fake) client(settled ...cloudstack.Settled) *cloudstack.Client {
	f.t.Helper()
	c, err := cloudstack.New(cloudstack.Settings{
		Endpoint: f.url + "/client/api", APIKey: "key", SecretKey: "secret", Signature: cloudstack.SignatureSHA1, SettleTime: -1,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(c.Close)
	return c.With(f, settled...)
}

// plugin reads a plugin.yaml of testdata or of the repository.
func plugin(t testing.TB, path string) *pluginspec.Plugin {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, diags := pluginspec.Parse(path, src)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p
}

// planned is a value of the type: what is given, unknown where the cloud fills
// in, null elsewhere.
func planned(typ *pluginspec.Type, given map[string]cty.Value) cty.Value {
	attrs := map[string]cty.Value{}
	for _, a := range typ.Attributes {
		switch v, ok := given[a.Name]; {
		case ok:
			attrs[a.Name] = v
		case a.Computed:
			attrs[a.Name] = cty.UnknownVal(a.Type)
		default:
			attrs[a.Name] = cty.NullVal(a.Type)
		}
	}
	implied := typ.ImpliedType()
	for _, b := range typ.Blocks {
		ty := implied.AttributeType(b.Name)
		if v, ok := given[b.Name]; ok {
			attrs[b.Name] = v
			continue
		}
		attrs[b.Name] = cty.SetValEmpty(ty.ElementType())
	}
	return cty.ObjectVal(attrs)
}

// item is one item of a block, null where nothing is given.
func item(typ *pluginspec.Type, block string, given map[string]cty.Value) cty.Value {
	attrs := map[string]cty.Value{}
	for _, b := range typ.Blocks {
		if b.Name != block {
			continue
		}
		for _, a := range b.Attributes {
			attrs[a.Name] = cty.NullVal(a.Type)
			if v, ok := given[a.Name]; ok {
				attrs[a.Name] = v
			}
		}
	}
	return cty.ObjectVal(attrs)
}

func text(s string) cty.Value { return cty.StringVal(s) }

func texts(s ...string) cty.Value {
	var vs []cty.Value
	for _, v := range s {
		vs = append(vs, text(v))
	}
	return cty.SetVal(vs)
}

// show is a value as JSON-like text for comparison: null and empty are left
// out.
func show(v cty.Value) map[string]string {
	out := map[string]string{}
	if v == cty.NilVal {
		return out
	}
	for name, a := range v.AsValueMap() {
		switch {
		case !a.IsKnown():
			out[name] = "unknown"
		case a.IsNull():
		case a.Type() == cty.String:
			out[name] = a.AsString()
		case a.Type() == cty.Bool:
			out[name] = fmt.Sprint(a.True())
		case a.Type() == cty.Number:
			out[name] = a.AsBigFloat().Text('f', -1)
		case a.LengthInt() > 0:
			var parts []string
			for it := a.ElementIterator(); it.Next(); {
				k, e := it.Element()
				part := fmt.Sprint(show(cty.ObjectVal(map[string]cty.Value{"v": e}))["v"])
				if e.Type().IsObjectType() {
					part = fmt.Sprint(show(e))
				}
				if a.Type().IsMapType() {
					part = k.AsString() + "=" + part
				}
				parts = append(parts, part)
			}
			out[name] = strings.Join(parts, ",")
		}
	}
	return out
}

func details(problems []declarative.Problem) string {
	var out []string
	for _, p := range problems {
		out = append(out, p.Summary+": "+p.Detail)
	}
	return strings.Join(out, "\n")
}
