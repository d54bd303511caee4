package cloudsim

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"net/url"
	"strings"
	"time"
)

// Flavor says which signatures a cloud accepts.
type Flavor string

// The flavors: Apache CloudStack signs with HMAC-SHA1, ABLESTACK Mold with HMAC-SHA256.
const (
	FlavorCloudStack Flavor = "cloudstack"
	FlavorMold       Flavor = "mold"
	FlavorBoth       Flavor = "both"
)

func (f Flavor) hashes() []func() hash.Hash {
	switch f {
	case FlavorCloudStack:
		return []func() hash.Hash{sha1.New}
	case FlavorMold:
		return []func() hash.Hash{sha256.New}
	}
	return []func() hash.Hash{sha1.New, sha256.New}
}

// signed reports whether signature fits the parameters (all but the signature itself, names as sent).
func (f Flavor) signed(values map[string]string, secret, signature string) bool {
	text := canonical(values)
	for _, h := range f.hashes() {
		mac := hmac.New(h, []byte(secret))
		mac.Write([]byte(text))
		want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
		if subtle.ConstantTimeCompare([]byte(want), []byte(signature)) == 1 {
			return true
		}
	}
	return false
}

// canonical is the text that is signed: pairs sorted by name as sent, values encoded as Java's URLEncoder does but with
// %20 for a blank, everything in lower case.
func canonical(values map[string]string) string {
	var b strings.Builder
	for i, name := range sortedKeys(values) {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name)
		b.WriteByte('=')
		b.WriteString(javaEncode(values[name]))
	}
	return strings.ToLower(b.String())
}

func javaEncode(v string) string {
	return strings.NewReplacer("+", "%20", "~", "%7E", "%2A", "*").Replace(url.QueryEscape(v))
}

// fresh reports whether an expires text lies in the future. Clients know the real time alone, however fast the cloud's clock
// runs.
func fresh(expires string) bool {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05-0700"} {
		t, err := time.Parse(layout, expires)
		if err == nil {
			return t.After(time.Now())
		}
	}
	return false
}
