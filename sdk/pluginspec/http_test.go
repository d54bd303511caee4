package pluginspec_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/sdk/apitable"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

const overHTTP = `plugin: dns
version: 1.0.0
transport: http
config:
  endpoint: {type: string, default: "https://dns.example.com", doc: Where it is.}
  token: {type: string, required: true, sensitive: true, doc: The key.}
http:
  auth: {bearer: "${config.token}"}
  paging: {style: cursor, param: after, next: meta.next, size: limit}
  errors: {message: error.text, gone: 423, conflict: [400], retry: [420]}
  timeout: 5s
  idempotency: Idempotency-Key
types:
  dns_record:
    summary: A record.
    attributes:
      id: {type: string, computed: true, doc: Its id.}
      name: {type: string, required: true, replace: true, example: x, doc: Its name.}
      data: {type: string, required: true, example: x, doc: What it stands for.}
      note: {type: string, optional: true, param: meta.note, doc: A note.}
    create: {method: POST, path: /records, wrap: record, result: record}
    read: {method: GET, path: "/records/${self.id}", batch: true}
    update: {method: PATCH, path: "/records/${self.id}", on: [data, note]}
    delete: {method: DELETE, path: "/records/${self.id}"}
    identity: {natural: [name]}
    find: {method: GET, path: /records, query: {name: "${self.name}"}, result: records, by: [name]}
`

func TestParseHTTP(t *testing.T) {
	t.Parallel()
	p, diags := pluginspec.Parse("p.yaml", []byte(overHTTP))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if !p.CallsHTTP() || !p.Types["dns_record"].NoCloud || p.HTTP.Endpoint != "${config.endpoint}" {
		t.Errorf("calls %t, no cloud %t, endpoint %q", p.CallsHTTP(), p.Types["dns_record"].NoCloud, p.HTTP.Endpoint)
	}
	want := &pluginspec.Paging{Style: pluginspec.PagingCursor, Param: "after", Size: "limit", Limit: 100, First: 1, Next: "meta.next"}
	if diff := cmp.Diff(want, p.HTTP.Paging); diff != "" {
		t.Errorf("paging (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(pluginspec.Errors{Message: "error.text", Gone: []int{423}, Conflict: []int{400}, Retry: []int{420}}, p.HTTP.Errors); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if got := p.Types["dns_record"].Attr("note").ParamNames(); !cmp.Equal(got, []string{"meta.note"}) {
		t.Errorf("note is sent as %v", got)
	}
	if got := p.Types["dns_record"].Create.Calls[0].Name(); got != "POST /records" {
		t.Errorf("the create is called %q", got)
	}
}

func TestHTTPRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ old, new, want string }{
		"a style of paging that is none": {"style: cursor", "style: curser", `p.yaml:9,19-25: Unknown value: "curser" is not one of`},
		"a cursor from nowhere":          {"next: meta.next, ", "", `p.yaml:9,11-12: Missing key: "next" is missing`},
		"two ways to authenticate":       {`{bearer: "${config.token}"}`, `{bearer: x, header: {a: b}}`, "p.yaml:8,9-10: Contradictory auth"},
		"a status that is no error":      {"gone: 423", "gone: 200", "p.yaml:10,39-42: Not an error status"},
		"a block for another transport":  {"transport: http", "transport: cloudstack", "p.yaml:8,3-4: Block does not fit the transport"},
		"a stock of addresses":           {"{natural: [name]}", "{reserve: true}", "p.yaml:14,3-13: Identity does not fit"},
		"a command":                      {"delete: {method: DELETE, path: \"/records/${self.id}\"}", "delete: {call: deleteNetwork}", "p.yaml:24,13-14: Call does not fit the transport"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(overHTTP, tt.old, tt.new, 1)
			if text == overHTTP {
				t.Fatalf("the text does not hold %q", tt.old)
			}
			_, diags := pluginspec.Parse("p.yaml", []byte(text))
			var said []string
			for _, d := range diags {
				said = append(said, d.Subject.String()+": "+d.Summary+": "+d.Detail)
			}
			if all := strings.Join(said, "\n"); !strings.Contains(all, tt.want) {
				t.Errorf("said:\n%s\nwanted:\n%s", all, tt.want)
			}
		})
	}
}

func TestLintHTTP(t *testing.T) {
	t.Parallel()
	table, err := apitable.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ old, new, want string }{
		"sound":                             {"", "", ""},
		"a path that names nothing":         {`PATCH, path: "/records/${self.id}"`, `PATCH, path: "/records/${self.nmae}"`, `p.yaml:23,13-14: Unknown attribute: "/records/${self.nmae}" names self.nmae, and "dns_record" has no such attribute. Did you mean "name"?`},
		"a configuration that is not there": {`"${config.token}"`, `"${config.key}"`, `p.yaml:8,3-4: Unknown attribute: "${config.key}" names config.key, and there is no such attribute.`},
		"a secret that would be shown":      {"sensitive: true, ", "", "p.yaml:6,3-8: Secret is not marked: `auth` makes credentials of \"token\"; write `sensitive: true`, so that it is never shown."},
		"an attribute only changes send":    {"wrap: record, result", "only: [name, data], wrap: record, result", ""},
		"a create that says little":         {`create: {method: POST, path: /records, wrap: record, result: record}`, `create: {method: POST, path: /records, only: [name, data]}`, ""},
		"an attribute that is never sent":   {`create: {method: POST, path: /records, wrap: record, result: record}`, `create: {method: POST, path: /records, body: {name: "${self.name}", data: "${self.data}"}, only: []}`, ""},
		"a change that is not sent":         {"on: [data, note]", "on: [data, note], only: [data]", `p.yaml:23,13-14: Change is not sent: PATCH /records/${self.id} is sent when "note" changes, and does not say it.`},
		"a change that leads nowhere":       {"on: [data, note]", "on: [data]", `p.yaml:20,7-11: Attribute cannot change: A change of "note" leads nowhere: no update call has it in ` + "`on`" + `, and it is not ` + "`replace: true`" + `.`},
		"a listing that is missing":         {"    find: {method: GET, path: /records, query: {name: \"${self.name}\"}, result: records, by: [name]}\n", "", "p.yaml:22,11-12: Nothing to list: `batch` asks for a call that lists the objects of \"dns_record\": read names one by its id, and there is no `find`."},
		"a body that is not sent":           {"GET, path: /records, query", "GET, path: /records, body: {a: b}, query", "p.yaml:26,11-12: Body is not sent: GET has no body; write `query`."},
		"parameters of commands":            {"GET, path: /records, query", "GET, path: /records, params: {a: b}, query", "p.yaml:26,11-12: Call does not fit the transport"},
		"one object for all":                {`DELETE, path: "/records/${self.id}"`, "DELETE, path: /record", "p.yaml:24,13-14: Call names no object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(overHTTP, tt.old, tt.new, 1)
			if text == overHTTP && tt.old != "" {
				t.Fatalf("the text does not hold %q", tt.old)
			}
			p, diags := pluginspec.Parse("p.yaml", []byte(text))
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			var said []string
			for _, d := range pluginspec.Lint(p, table) {
				said = append(said, d.Subject.String()+": "+d.Summary+": "+d.Detail)
			}
			all := strings.Join(said, "\n")
			if tt.want == "" && all != "" || !strings.Contains(all, tt.want) {
				t.Errorf("said:\n%s\nwanted:\n%s", all, tt.want)
			}
		})
	}
}
