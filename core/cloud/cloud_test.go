package cloud_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/cloud"
	"github.com/moldctl/moldctl/core/state"
)

// The files of a home folder in these tests.
const (
	configYAML = `
current: prod
profiles:
  prod:
    endpoint: https://prod.example.com/client/api
    api_key: prod-key
    secret_key: prod-secret
    zone: seoul
  lab:
    endpoint: http://lab.example.com:8080/client/
    api_key: 0123
    secret_key: lab-secret
    timeout: 10
    insecure: true
`
	monkeyINI = `prompt = 🐱
profile = localcloud
verifycert = false

[localcloud]
url = http://localhost:8080/client/api
username = admin
apikey = monkey-key
secretkey = monkey-secret

[fresh]
url = http://localhost:8081/client/api
username = admin
password = password
`
)

// home makes a home folder with the files, by path.
func home(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func environment(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func TestResolve(t *testing.T) {
	t.Parallel()
	env := func(key string) map[string]string {
		return map[string]string{"MOLD_API_URL": "https://env.example.com", "MOLD_API_KEY": key, "MOLD_SECRET_KEY": "env-secret"}
	}
	block := cloud.Values{"endpoint": "https://block.example.com/client/api", "api_key": "block-key", "secret_key": "block-secret", "zone": "block-zone"}
	both := map[string]string{".config/moldctl/config.yaml": configYAML, ".cmk/config": monkeyINI}
	tests := map[string]struct {
		reason string
		in     cloud.Input
		env    map[string]string
		files  map[string]string
		want   string // endpoint api_key secret_key zone
		source map[string]string
	}{
		"nothing": {
			reason: "the embedded cloud is what is left", want: "embedded",
		},
		"zone alone": {
			reason: "a zone says nothing about where", env: map[string]string{"MOLD_ZONE_NAME": "z"}, want: "embedded z",
		},
		"environment before block": {
			reason: "decided order", in: cloud.Input{Block: block}, env: env("env-key"),
			want:   "https://env.example.com/client/api env-key env-secret block-zone",
			source: map[string]string{"api_key": "MOLD_API_KEY", "zone": "zone of the cloud block (spec.hcl, line 3)"},
		},
		"flag before environment": {
			reason: "decided order", in: cloud.Input{Flags: cloud.Values{"zone": "flag-zone"}},
			env:  map[string]string{"MOLD_API_URL": "http://env", "MOLD_API_KEY": "k", "MOLD_SECRET_KEY": "s", "MOLD_ZONE_NAME": "env-zone"},
			want: "http://env/client/api k s flag-zone", source: map[string]string{"zone": "--zone"},
		},
		"our variables before CloudStack's": {
			reason: "decided order",
			env: map[string]string{
				"CLOUDSTACK_API_URL": "http://cs", "CLOUDSTACK_API_KEY": "ck", "CLOUDSTACK_SECRET_KEY": "cs", "CLOUDSTACK_ZONE": "cz", "MOLD_ZONE_NAME": "mz",
			},
			want: "http://cs/client/api ck cs mz", source: map[string]string{"endpoint": "CLOUDSTACK_API_URL"},
		},
		"block before profile": {
			reason: "decided order", in: cloud.Input{Block: block}, files: both,
			want: "https://block.example.com/client/api block-key block-secret block-zone",
		},
		"current profile": {
			reason: "config.yaml before CloudMonkey", files: both,
			want: "https://prod.example.com/client/api prod-key prod-secret seoul",
		},
		"profile by flag before the environment's keys": {
			reason: "a profile stands behind the place that names it", in: cloud.Input{Flags: cloud.Values{"profile": "lab"}},
			env: env("env-key"), files: both, want: "http://lab.example.com:8080/client/api 0123 lab-secret",
		},
		"profile by block": {
			reason: "a block may name a profile", in: cloud.Input{Block: cloud.Values{"profile": "lab", "zone": "z"}}, files: both,
			want: "http://lab.example.com:8080/client/api 0123 lab-secret z",
		},
		"CloudMonkey": {
			reason: "its current profile counts when there is none of ours", files: map[string]string{".cmk/config": monkeyINI},
			want: "http://localhost:8080/client/api monkey-key monkey-secret",
		},
		"CloudMonkey, older": {
			reason: "the Python one kept its profile in [core]",
			files:  map[string]string{".cloudmonkey/config": "[core]\nprofile = old\n[old]\nurl=http://old/client/api\napikey=a\nsecretkey=b\n"},
			want:   "http://old/client/api a b",
		},
		"CloudMonkey without keys": {
			reason: "a fresh installation means nothing",
			files:  map[string]string{".cmk/config": strings.Replace(monkeyINI, "profile = localcloud", "profile = fresh", 1)}, want: "embedded",
		},
		"block with keys from the environment": {
			reason: "keys belong into the environment, the endpoint into the stack", in: cloud.Input{Block: cloud.Values{"endpoint": "http://b"}},
			env: map[string]string{"MOLD_API_KEY": "k", "MOLD_SECRET_KEY": "s"}, want: "http://b/client/api k s",
		},
		"same endpoint written differently": {
			reason: "a key belongs to the endpoint, however written", in: cloud.Input{Flags: cloud.Values{"endpoint": "https://PROD.example.com/"}}, files: both,
			want: "https://prod.example.com/client/api prod-key prod-secret seoul",
		},
		"an alias of its own": {
			reason: "the environment means the default cloud", in: cloud.Input{Alias: "west", Block: block}, env: env("env-key"),
			want: "https://block.example.com/client/api block-key block-secret block-zone",
		},
		"an alias for another zone": {
			reason: "a block without endpoint is the default cloud elsewhere", in: cloud.Input{Alias: "west", Block: cloud.Values{"zone": "west"}},
			env: map[string]string{"MOLD_API_URL": "http://env", "MOLD_API_KEY": "k", "MOLD_SECRET_KEY": "s", "MOLD_ZONE_NAME": "east"}, want: "http://env/client/api k s west",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.in.Home, test.in.Getenv, test.in.At = home(t, test.files), environment(test.env), "spec.hcl, line 3"
			got, err := cloud.Resolve(test.in)
			if err != nil {
				t.Fatal(err)
			}
			where := got.Endpoint
			if got.Embedded {
				where = "embedded"
			}
			text := strings.Join(strings.Fields(fmt.Sprintln(where, got.APIKey, got.SecretKey, got.Zone)), " ")
			if text != test.want {
				t.Errorf("got %q, want %q: %s", text, test.want, test.reason)
			}
			for setting, want := range test.source {
				if got.Source[setting] != want {
					t.Errorf("%s is from %q, want %q", setting, got.Source[setting], want)
				}
			}
		})
	}
}

func TestResolveRefuses(t *testing.T) {
	t.Parallel()
	both := map[string]string{".config/moldctl/config.yaml": configYAML, ".cmk/config": monkeyINI}
	full := func(change ...string) map[string]string {
		vars := map[string]string{"MOLD_API_URL": "http://x", "MOLD_API_KEY": "TOPSECRET-k", "MOLD_SECRET_KEY": "TOPSECRET-s"}
		for i := 0; i < len(change); i += 2 {
			vars[change[i]] = change[i+1]
		}
		return vars
	}
	tests := map[string]struct {
		in    cloud.Input
		env   map[string]string
		files map[string]string
		want  []string
	}{
		"url without keys":    {env: map[string]string{"MOLD_API_URL": "http://x"}, want: []string{"MOLD_API_URL is set, but api_key (MOLD_API_KEY) and secret_key (MOLD_SECRET_KEY) is missing"}},
		"keys without url":    {env: full("MOLD_API_URL", ""), want: []string{"MOLD_API_KEY and MOLD_SECRET_KEY is set, but endpoint (MOLD_API_URL) is missing"}},
		"key without secret":  {env: full("MOLD_SECRET_KEY", ""), want: []string{"secret_key (MOLD_SECRET_KEY) is missing"}},
		"keys of another":     {in: cloud.Input{Flags: cloud.Values{"endpoint": "http://y"}}, env: full(), want: []string{"--endpoint is set, but", "MOLD_API_KEY is not used, because it belongs to another endpoint"}},
		"half of another":     {in: cloud.Input{Block: cloud.Values{"api_key": "a", "secret_key": "b"}}, env: full("MOLD_SECRET_KEY", ""), want: []string{"MOLD_API_KEY is set without its secret_key (MOLD_SECRET_KEY), and the keys of the cloud block are another pair"}},
		"no scheme":           {env: full("MOLD_API_URL", "cloud.example.com"), want: []string{"MOLD_API_URL: a URL begins with https:// or http://; write https://cloud.example.com/client/api"}},
		"password in url":     {env: full("MOLD_API_URL", "https://me:TOPSECRET@h/client/api"), want: []string{"a URL with a user name or password is not accepted"}},
		"query in url":        {env: full("MOLD_API_URL", "https://h/client/api?apikey=TOPSECRET"), want: []string{"has no query or fragment; write https://h/client/api"}},
		"no host":             {env: full("MOLD_API_URL", "https:///client/api"), want: []string{"names no host"}},
		"other scheme":        {env: full("MOLD_API_URL", "ftp://h"), want: []string{"ftp:// is not supported"}},
		"several at once":     {env: full("MOLD_TIMEOUT", "soon", "MOLD_MAX_REQUESTS", "0", "MOLD_INSECURE", "perhaps", "MOLD_SIGNATURE", "md5"), want: []string{`MOLD_TIMEOUT: "soon" is no duration`, "MOLD_MAX_REQUESTS:", "MOLD_INSECURE:", "MOLD_SIGNATURE:"}},
		"no such certificate": {env: full("MOLD_CA_CERT", "/none/ca.pem"), want: []string{"MOLD_CA_CERT: open /none/ca.pem"}},
		"account alone":       {env: full("MOLD_ACCOUNT", "a"), want: []string{"MOLD_ACCOUNT: an account is only found in its domain"}},
		"no such profile":     {env: map[string]string{"MOLD_PROFILE": "labs"}, files: both, want: []string{`MOLD_PROFILE asks for profile "labs"`, `Did you mean "lab"?`}},
		"no profiles at all":  {in: cloud.Input{Flags: cloud.Values{"profile": "lab"}}, want: []string{"--profile asks for profile \"lab\", and there is no profile in"}},
		"current is missing":  {files: map[string]string{".config/moldctl/config.yaml": "current: x\n"}, want: []string{`current is "x", and there is no such profile`}},
		"unknown setting":     {files: map[string]string{".config/moldctl/config.yaml": "profiles: {a: {end_point: x}}"}, want: []string{`profile "a" has no setting "end_point".`, `"endpoint"`}},
		"unknown key":         {files: map[string]string{".config/moldctl/config.yaml": "profile: {}"}, want: []string{"config.yaml", "profile"}},
		"no YAML":             {files: map[string]string{".config/moldctl/config.yaml": "profiles: ["}, want: []string{"config.yaml"}},
		"a list":              {files: map[string]string{".config/moldctl/config.yaml": "profiles: {a: {zone: [b]}}"}, want: []string{"config.yaml", "one value"}},
		"an alias half set":   {in: cloud.Input{Alias: "west", Block: cloud.Values{"endpoint": "http://w"}}, env: full(), want: []string{`settings of cloud "west"`, "api_key"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.in.Home, test.in.Getenv = home(t, test.files), environment(test.env)
			_, err := cloud.Resolve(test.in)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "TOPSECRET") {
				t.Errorf("error %q tells a secret", err)
			}
		})
	}
}

func TestSettingsNeverPrintKeys(t *testing.T) {
	t.Parallel()
	s, err := cloud.Resolve(cloud.Input{
		Home: home(t, map[string]string{".config/moldctl/config.yaml": configYAML}), Flags: cloud.Values{"profile": "lab"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Timeout != 10*time.Second || !s.Insecure || s.Host() != "lab.example.com:8080" {
		t.Errorf("timeout %s, insecure %t, host %s", s.Timeout, s.Insecure, s.Host())
	}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s)} {
		if strings.Contains(text, "lab-secret") || strings.Contains(text, "0123") {
			t.Errorf("%q tells a key", text)
		}
	}
}

func TestAReadableProfileWarns(t *testing.T) {
	t.Parallel()
	dir := home(t, map[string]string{".config/moldctl/config.yaml": configYAML})
	path := filepath.Join(dir, ".config/moldctl/config.yaml")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := cloud.Resolve(cloud.Input{Home: dir})
	want := []string{"Others may read the secret keys in " + path + " (mode 0644). Run: chmod 600 " + path}
	if diff := cmp.Diff(want, s.Warnings); diff != "" || err != nil {
		t.Errorf("warnings (-want +got), %v:\n%s", err, diff)
	}
}

func TestDecodeBlock(t *testing.T) {
	t.Parallel()
	src := `
endpoint     = "https://${var.host}/client/api"
api_key      = var.key
ca_cert      = "ca.pem"
max_requests = 4
insecure     = false
`
	file, diags := hclsyntax.ParseConfig([]byte(src), "spec.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{
		"host": cty.StringVal("h"), "key": cty.StringVal("k").Mark("sensitive"),
	})}}
	got, diags := cloud.DecodeBlock(file.Body, ctx, "/stack", "/home/me")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	want := cloud.Values{"endpoint": "https://h/client/api", "api_key": "k", "ca_cert": "/stack/ca.pem", "max_requests": "4", "insecure": "false"}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	ctx.Variables["var"] = cty.ObjectVal(map[string]cty.Value{"host": cty.StringVal("h"), "key": cty.UnknownVal(cty.String)})
	if _, diags := cloud.DecodeBlock(file.Body, ctx, "/stack", ""); len(diags) != 1 || diags[0].Subject.Start.Line != 3 {
		t.Errorf("an unknown key gives %v, want one diagnostic on line 3", diags)
	}
}

func TestCheckBinding(t *testing.T) {
	t.Parallel()
	bound := state.Binding{Endpoint: "prod.example.com", ZoneID: "z1", DomainID: "d1", AccountID: "a1"}
	tests := map[string]struct {
		change func(now *state.Binding)
		want   string // "" = fits
	}{
		"same":              {func(*state.Binding) {}, ""},
		"another host name": {func(b *state.Binding) { b.Endpoint = "10.0.0.1" }, ""},
		"another zone":      {func(b *state.Binding) { b.ZoneID = "z2" }, "zone z1, now z2"},
		"another account":   {func(b *state.Binding) { b.AccountID = "a2" }, "account a1, now a2"},
		"a project":         {func(b *state.Binding) { b.ProjectID = "p" }, "project none, now p"},
		"several":           {func(b *state.Binding) { b.ZoneID, b.DomainID = "z2", "d2" }, "zone z1, now z2; domain d1, now d2"},
		"embedded":          {func(b *state.Binding) { *b = state.Binding{Embedded: true} }, "no endpoint is set, which means the embedded cloud, but this stack has objects in prod.example.com"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := bound
			test.change(&now)
			err := cloud.CheckBinding(bound, now)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("CheckBinding = %v, want %q", err, test.want)
			}
		})
	}
	embedded := state.Binding{Embedded: true, ZoneID: "z"}
	if err := cloud.CheckBinding(embedded, bound); err == nil || !strings.Contains(err.Error(), "written with the embedded cloud") {
		t.Errorf("from embedded to real: %v", err)
	}
	if err := cloud.CheckBinding(embedded, state.Binding{Embedded: true, ZoneID: "new"}); err == nil || !strings.Contains(err.Error(), "before it was reset") {
		t.Errorf("from one embedded cloud to another: %v", err)
	}
}
