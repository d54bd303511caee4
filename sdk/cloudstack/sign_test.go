package cloudstack

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestEncode(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, want, reason string }{
		"space":   {"a b", "a%20b", "a plus would be signed as a plus"},
		"star":    {"a*b", "a*b", "Java leaves it, Go does not"},
		"tilde":   {"a~b", "a%7Eb", "Go leaves it, Java does not"},
		"plus":    {"a+b", "a%2Bb", "base64 holds it"},
		"percent": {"100%", "100%25", ""},
		"korean":  {"웹", "%EC%9B%B9", "names are UTF-8"},
		"plain":   {"Az09.-_", "Az09.-_", ""},
		"list":    {"a,b=c/d:e", "a%2Cb%3Dc%2Fd%3Ae", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := encode(tc.in); got != tc.want {
				t.Errorf("encode(%q) = %q, want %q: %s", tc.in, got, tc.want, tc.reason)
			}
		})
	}
}

// The expected values were computed with openssl: printf %s '<query in lower case>' | openssl dgst -sha1 -hmac secret -binary | base64
func TestSign(t *testing.T) {
	t.Parallel()
	query := canonical(map[string]string{"command": "listZones", "response": "json", "apikey": "Key", "name": "웹 *~+"})
	if want := "apikey=Key&command=listZones&name=%EC%9B%B9%20*%7E%2B&response=json"; query != want {
		t.Fatalf("canonical = %q, want %q", query, want)
	}
	for kind, want := range map[Signature]string{
		SignatureSHA1:   "Eosn5GgUf5ITdPoZQnMp/6clTVw=",
		SignatureSHA256: "OMKWN6Kp5nyo8AxbT4m028966ZafFXqFLkJZd2S6QLc=",
	} {
		if got := sign(query, "secret", kind); got != want {
			t.Errorf("sign with %s = %q, want %q", kind, got, want)
		}
	}
}

func TestSignatureExpires(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		lease  func() time.Time
		offset time.Duration
		want   string
	}{
		"without a lease":        {nil, 0, "2026-11-22T12:10:00+0000"},
		"lease ends earlier":     {func() time.Time { return now.Add(time.Minute) }, 0, "2026-11-22T12:00:55+0000"},
		"in the server's time":   {nil, time.Hour, "2026-11-22T13:10:00+0000"},
		"lease that has run out": {func() time.Time { return now.Add(-time.Minute) }, 0, "2026-11-22T11:58:55+0000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newFake(t, &fakeCloud{}, func(s *Settings) { s.Lease = tc.lease })
			c.offset.Store(int64(tc.offset))
			query := c.signedQuery("listZones", Params{}, SignatureSHA1, now)
			values, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			if got := values.Get("expires"); got != tc.want {
				t.Errorf("expires = %s, want %s", got, tc.want)
			}
			body, signature, _ := strings.Cut(query, "&signature=")
			if signature != encode(sign(body, testSecret, SignatureSHA1)) || values.Get("signatureversion") != "3" {
				t.Errorf("query %q is not signed as version 3", query)
			}
		})
	}
}
