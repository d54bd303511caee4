package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core"
	"github.com/moldctl/moldctl/core/apply"
	"github.com/moldctl/moldctl/core/plan/render"
	"github.com/moldctl/moldctl/internal/apidouble"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// dnsAPI is a double of the tutorial's API that wants a token.
func dnsAPI(t *testing.T, spec []byte, token string) *apidouble.Double {
	t.Helper()
	p, diags := pluginspec.Parse("plugin.yaml", spec)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	api, err := apidouble.Start(p, apidouble.Options{Config: func(endpoint string) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{"endpoint": cty.StringVal(endpoint), "token": cty.StringVal(token)})
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Close(); err != nil {
			t.Error(err)
		}
	})
	return api
}

// TestPluginBlocks configures one plugin twice: each record goes where its
// block says, no cloud is started, and no token is told or readable in the
// state.
func TestPluginBlocks(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, "dns")
	const mainToken, officeToken = "token-of-main-0123", "token-of-office-4567"
	home, office := dnsAPI(t, s.Source.Spec, mainToken), dnsAPI(t, s.Source.Spec, officeToken)
	dir := t.TempDir()
	run := func(records string) (told string, err error) {
		text := fmt.Sprintf(`
plugin "dns" {
  endpoint = %q
  token    = %q
}
plugin "dns" "office" {
  endpoint = %q
  token    = %q
}
%s`, home.Endpoint(), mainToken, office.Endpoint(), officeToken, records)
		path := filepath.Join(dir, "spec.hcl")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		e, diags := core.Load(core.Settings{
			Path: path, Plugins: append(s.Others, s.Source), Parallelism: 4, Home: dir, Conclusive: true,
			Getenv:    func(string) (string, bool) { return "", false },
			PluginLog: func(_, line string) { told += line },
			Embedded: func(context.Context) (core.EmbeddedCloud, error) {
				return core.EmbeddedCloud{}, errors.New("nothing here is in a cloud")
			},
		})
		if !diags.HasErrors() {
			diags = append(diags, e.Open(t.Context(), core.Access{Write: true, Holder: "test"})...)
		}
		if diags.HasErrors() {
			return told, diags
		}
		defer func() { err = errors.Join(err, e.Close()) }()
		p, diags := e.Plan(t.Context(), core.PlanOptions{})
		if diags.HasErrors() {
			return told, diags
		}
		told += render.Text(p, render.Options{})
		if _, diags = e.Apply(t.Context(), t.Context(), p, func(ev apply.Event) { told += ev.Text }); diags.HasErrors() {
			return told, diags
		}
		return told, nil
	}
	told, err := run(`
resource "dns_record" "www" {
  zone = "example.com"
  name = "www"
  data = "192.0.2.1"
}
resource "dns_record" "door" {
  cloud = cloud.office
  zone  = "example.net"
  name  = "door"
  data  = "192.0.2.2"
}
data "dns_record" "again" {
  name       = "example.com/www"
  depends_on = [dns_record.www]
}
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		api  *apidouble.Double
		name string
	}{{home, "www"}, {office, "door"}} {
		if list := c.api.Objects("dns_record"); len(list) != 1 || list[0]["name"] != c.name {
			t.Errorf("the API of %s holds %v", c.name, list)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, core.StateDir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no state: %v", err)
	}
	for _, token := range []string{mainToken, officeToken} {
		if strings.Contains(told, token) {
			t.Errorf("a token is told: %s", told)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(data, []byte(token)) {
				t.Errorf("%s holds a token", filepath.Base(file))
			}
		}
	}
	if _, err := run(""); err != nil {
		t.Fatal(err)
	}
	if left := append(home.Inventory(), office.Inventory()...); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// TestBadPluginBlocks checks what is said of blocks that are wrong.
func TestBadPluginBlocks(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, "dns")
	const record = "resource \"dns_record\" \"www\" {\n  zone = \"a\"\n  name = \"b\"\n  data = \"c\"\n}\n"
	for name, tt := range map[string]struct{ text, want string }{
		"none at all":         {record, "Plugin is not configured"},
		"an unknown plugin":   {"plugin \"dnss\" {}\n", `Did you mean "dns"?`},
		"an unknown argument": {"plugin \"dns\" {\n  token = \"t\"\n  tokn = 1\n}\n", "Unsupported argument"},
		"a bad value":         {"plugin \"dns\" {\n  token = \"t\"\n  endpoint = \"not a url\"\n}\n", "Invalid value"},
		"a reference":         {record + "plugin \"dns\" {\n  token = dns_record.www.id\n}\n", "A plugin block may use variables, locals and env()"},
		"twice":               {"plugin \"dns\" {\n  token = \"t\"\n}\nplugin \"dns\" {\n  token = \"t\"\n}\n", "Duplicate declaration"},
		"an unknown alias":    {strings.Replace(record, "  zone", "  cloud = cloud.x\n  zone", 1), "Unknown cloud"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "spec.hcl")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			e, diags := core.Load(core.Settings{Path: path, Plugins: append(s.Others, s.Source), Getenv: func(string) (string, bool) { return "", false }})
			if !diags.HasErrors() {
				diags = append(diags, e.Validate()...)
			}
			if !strings.Contains(diags.Error(), tt.want) {
				t.Errorf("said: %v", diags)
			}
		})
	}
}
