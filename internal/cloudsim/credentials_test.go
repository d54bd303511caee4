package cloudsim

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// signedBy signs parameters with any hash.
func signedBy(h func() hash.Hash, params url.Values, secret string) string {
	unsigned, _, _ := strings.Cut(signQuery(params, secret), "&signature=")
	mac := hmac.New(h, []byte(secret))
	mac.Write([]byte(strings.ToLower(unsigned)))
	return unsigned + "&signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// TestSignatureHashes: each flavor takes its own hash in every version of the signature, by GET and by POST, and no other.
func TestSignatureHashes(t *testing.T) {
	t.Parallel()
	hashes := map[string]func() hash.Hash{"SHA1": sha1.New, "SHA256": sha256.New, "SHA512": sha512.New}
	takes := map[Flavor]map[string]bool{FlavorCloudStack: {"SHA1": true}, FlavorMold: {"SHA256": true}, FlavorBoth: {"SHA1": true, "SHA256": true}}
	versions := map[string]url.Values{
		"none": {}, "1": {"signatureversion": {"1"}}, "2": {"signatureVersion": {"2"}},
		"3": {"signatureVersion": {"3"}, "expires": {time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05-0700")}},
	}
	for flavor, ok := range takes {
		c := startCloud(t, Options{Flavor: flavor})
		keys, _ := c.Keys("user")
		for name, h := range hashes {
			for version, extra := range versions {
				params := url.Values{"command": {"listZones"}, "apiKey": {keys.APIKey}, "response": {"json"}, "name": {"a b*~+é"}}
				for k, v := range extra {
					params[k] = v
				}
				query, want := signedBy(h, params, keys.SecretKey), 401
				if ok[name] {
					want = 200
				}
				get, err := http.Get(c.Endpoint() + "?" + query)
				if err != nil {
					t.Fatal(err)
				}
				post, err := http.Post(c.Endpoint(), "application/x-www-form-urlencoded", strings.NewReader(query))
				if err != nil {
					t.Fatal(err)
				}
				if g, p := readResult(t, get).status, readResult(t, post).status; g != want || p != want {
					t.Errorf("flavor %s, %s, version %s: GET %d, POST %d, want %d", flavor, name, version, g, p, want)
				}
			}
		}
	}
}

// TestSessionsOfRoles: who logs in with a password is shown what the same user's keys show, and refused what they are refused.
func TestSessionsOfRoles(t *testing.T) {
	t.Parallel()
	r := startRealm(t)
	domains := map[string]string{"eye": "/", "chief": "/east", "ann": "east", "mat": "ROOT/east", "looker": "/east/", "amy": "/east/south", "bob": "/west"}
	types := map[string]string{"eye": "1", "chief": "2"}
	for role, domain := range domains {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			client := &http.Client{Jar: jar}
			post := func(command string, form url.Values) result {
				form.Set("command", command)
				form.Set("response", "json")
				resp, err := client.PostForm(r.Endpoint(), form)
				if err != nil {
					t.Fatal(err)
				}
				return readResult(t, resp)
			}
			if wrong := post("login", url.Values{"username": {role}, "password": {"secret-" + role}, "domain": {"/nowhere"}}); wrong.status != 531 {
				t.Errorf("login in another domain: %d %s", wrong.status, wrong.raw)
			}
			in := post("login", url.Values{"username": {role}, "password": {"secret-" + role}, "domain": {domain}})
			if in.status != 200 || in.str("type") != valueOr(types[role], "0") {
				t.Fatalf("login: %d %s", in.status, in.raw)
			}
			for _, command := range []string{"listNetworks", "listVolumes", "listProjects", "listAccounts", "listUsers", "listDomains", "listHosts",
				"createSSHKeyPair", "createZone"} {
				keyed := call(t, r.Cloud, role, command, "listall", "true", "name", "")
				session := post(command, url.Values{"listall": {"true"}, "name": {""}, "sessionkey": {in.str("sessionkey")}})
				if diff := cmp.Diff(idsOf(keyed), idsOf(session)); diff != "" || keyed.status != session.status {
					t.Errorf("%s: %d with keys, %d with a session: %s", command, keyed.status, session.status, diff)
				}
			}
		})
	}
}

// idsOf are the ids in an answer, in its order.
func idsOf(r result) string {
	var ids []string
	for _, key := range sortedKeys(r.body) {
		for _, o := range r.items(key) {
			ids = append(ids, fmt.Sprint(o["id"]))
		}
	}
	return strings.Join(ids, "\n")
}
