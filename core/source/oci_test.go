package source_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/moldctl/moldctl/core/source"
	"github.com/moldctl/moldctl/core/spec"
)

const (
	imageType = "application/vnd.oci.image.manifest.v1+json"
	layerType = "application/vnd.moldctl.plugin.v1.tar+gzip"
)

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// fakeRegistry is an OCI registry with one repository, org/acme.
type fakeRegistry struct {
	manifests map[string][]byte // by tag and digest
	blobs     map[string][]byte // by digest
	login     string            // user:password that a token costs; "" for none
	basic     bool              // the login goes to the registry itself
	asked     atomic.Int64      // how many tokens were given
}

// push stores an image with one layer and returns its descriptor.
func (r *fakeRegistry) push(tag string, layer []byte, mediaType string) map[string]any {
	r.blobs[sha(layer)] = layer
	text, _ := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": imageType,
		"layers": []any{map[string]any{"mediaType": mediaType, "digest": sha(layer), "size": len(layer)}},
	})
	r.manifests[tag], r.manifests[sha(text)] = text, text
	return map[string]any{"mediaType": imageType, "digest": sha(text), "size": len(text)}
}

func (r *fakeRegistry) index(tag string, platforms map[string][]byte) {
	var list []any
	for _, name := range slices.Sorted(maps.Keys(platforms)) {
		d := r.push("", platforms[name], layerType)
		system, arch, _ := strings.Cut(name, "_")
		d["platform"] = map[string]string{"os": system, "architecture": arch}
		list = append(list, d)
	}
	text, _ := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": list})
	r.manifests[tag], r.manifests[sha(text)] = text, text
}

func (r *fakeRegistry) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	user, password, hasLogin := q.BasicAuth()
	loggedIn := hasLogin && user+":"+password == r.login
	switch {
	case q.URL.Path == "/token":
		if !loggedIn || q.URL.Query().Get("scope") != "repository:org/acme:pull" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		r.asked.Add(1)
		fmt.Fprint(w, `{"token": "let-me-in"}`)
		return
	case r.login != "" && r.basic && !loggedIn:
		w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	case r.login != "" && !r.basic && q.Header.Get("Authorization") != "Bearer let-me-in":
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+q.Host+`/token",service="registry"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	rest, found := strings.CutPrefix(q.URL.Path, "/v2/org/acme/")
	var body []byte
	switch kind, name, _ := strings.Cut(rest, "/"); {
	case !found:
	case kind == "manifests":
		body = r.manifests[name]
	case kind == "blobs":
		body = r.blobs[name]
	case rest == "tags/list" && q.URL.Query().Get("last") == "":
		w.Header().Set("Link", `</v2/org/acme/tags/list?last=1.1.0>; rel="next"`)
		body = []byte(`{"tags": ["1.0.0", "latest", "1.1.0"]}`)
	case rest == "tags/list":
		body = []byte(`{"tags": ["1.2.0", "2.0.0"]}`)
	}
	if body == nil {
		http.NotFound(w, q)
		return
	}
	_, _ = w.Write(body)
}

func serve(t *testing.T, r *fakeRegistry) string {
	t.Helper()
	r.manifests, r.blobs = map[string][]byte{}, map[string][]byte{}
	for _, tag := range []string{"1.0.0", "1.1.0", "1.2.0", "2.0.0", "latest"} {
		r.push(tag, tarGz(t, entry{name: "plugin.yaml", body: tag}), layerType)
	}
	r.push("zip", zipOf(t, entry{name: "plugin.yaml", body: "zip"}), "application/zip")
	r.push("hostile", tarGz(t, entry{name: "../x", body: "bad"}), layerType)
	r.push("image", []byte("no archive"), "application/vnd.oci.image.config.v1+json")
	wrong := tarGz(t, entry{name: "plugin.yaml", body: "wrong"})
	r.push("wrong", wrong, layerType)
	r.blobs[sha(wrong)] = tarGz(t, entry{name: "plugin.yaml", body: "other"})
	r.manifests["html"] = []byte("<html>")
	r.manifests[sha([]byte("asked for"))] = []byte(`{"layers": []}`)
	r.index("many", map[string][]byte{
		"linux_amd64":  tarGz(t, entry{name: "plugin.yaml", body: "for linux"}),
		"darwin_arm64": tarGz(t, entry{name: "plugin.yaml", body: "for darwin"}),
	})
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return "oci://" + strings.TrimPrefix(server.URL, "http://") + "/org/acme"
}

func TestOCI(t *testing.T) {
	t.Parallel()
	base := serve(t, &fakeRegistry{})
	tests := map[string]struct{ rest, allowed, platform, want, version, at, fails string }{
		"a tag":                {rest: ":1.0.0", want: "1.0.0", version: "1.0.0", at: source.AnyPlatform},
		"no tag":               {rest: "", want: "latest", at: source.AnyPlatform},
		"a constraint":         {rest: "", allowed: "~> 1.0", want: "1.2.0", version: "1.2.0", at: source.AnyPlatform},
		"a constraint, none":   {rest: "", allowed: ">= 3", fails: "no version fits"},
		"a zip":                {rest: ":zip", want: "zip", at: source.AnyPlatform},
		"an index":             {rest: ":many", want: "for linux", at: "linux_amd64"},
		"an index, other":      {rest: ":many", platform: "darwin_arm64", want: "for darwin", at: "darwin_arm64"},
		"an index, none":       {rest: ":many", platform: "plan9_amd64", fails: "has nothing for plan9_amd64; it has: darwin_arm64, linux_amd64"},
		"unknown tag":          {rest: ":9", fails: "nothing of this name and tag"},
		"no archive":           {rest: ":image", fails: "0 of its 1 layers are archives"},
		"hostile":              {rest: ":hostile", fails: "is refused"},
		"a lying blob":         {rest: ":wrong", fails: "does not have the digest"},
		"a lying manifest":     {rest: "@" + sha([]byte("asked for")), fails: "another digest"},
		"no manifest":          {rest: ":html", fails: "is no manifest"},
		"unknown digest":       {rest: "@" + sha([]byte("nobody")), fails: "nothing of this name"},
		"a folder that is not": {rest: ":1.0.0//x", fails: `no folder "x"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, func(o *source.Options) {
				if tt.platform != "" {
					o.Platform = tt.platform
				}
			})
			p, err := s.Fetch(t.Context(), parse(t, s, base+tt.rest), constraint(t, tt.allowed))
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Errorf("error %v, want %q", err, tt.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := content(t, p.Dir)["plugin.yaml"]; got != tt.want || p.Version != tt.version || p.Platform != tt.at {
				t.Errorf("%q, version %q, for %s; want %q, %q, %s", got, p.Version, p.Platform, tt.want, tt.version, tt.at)
			}
			if !strings.HasPrefix(p.Revision, "sha256:") {
				t.Errorf("revision %q", p.Revision)
			}
		})
	}
}

func TestOCILogin(t *testing.T) {
	t.Parallel()
	for name, basic := range map[string]bool{"token": false, "basic": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &fakeRegistry{login: "me:secret", basic: basic}
			base := serve(t, r)
			host := strings.TrimSuffix(strings.TrimPrefix(base, "oci://"), "/org/acme")
			logins := filepath.Join(t.TempDir(), "config.json")
			text := fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host, base64.StdEncoding.EncodeToString([]byte("me:secret")))
			if err := os.WriteFile(logins, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s := open(t, func(o *source.Options) { o.Logins = logins })
			p, err := s.Fetch(t.Context(), parse(t, s, base), constraint(t, "~> 1.0"))
			if err != nil {
				t.Fatal(err)
			}
			if p.Version != "1.2.0" {
				t.Errorf("version %s", p.Version)
			}
			if asked := r.asked.Load(); basic != (asked == 0) || asked > 2 {
				t.Errorf("%d tokens were asked for", asked)
			}
			stranger := open(t, nil)
			if _, err := stranger.Fetch(t.Context(), parse(t, stranger, base), spec.Constraint{}); err == nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v, want that a login is missing", err)
			}
		})
	}
}
