package cloudstack

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	good := Settings{Endpoint: "https://cloud.test/client/api", APIKey: testKey, SecretKey: testSecret}
	for name, tc := range map[string]struct {
		change func(*Settings)
		want   string
	}{
		"no endpoint":       {func(s *Settings) { s.Endpoint = " " }, "no endpoint"},
		"no scheme":         {func(s *Settings) { s.Endpoint = "cloud.test/client/api" }, "http or https"},
		"password in it":    {func(s *Settings) { s.Endpoint = "https://me:hunter2@cloud.test/client/api" }, "sign with an API key"},
		"no secret":         {func(s *Settings) { s.SecretKey = "" }, "both needed"},
		"unknown signature": {func(s *Settings) { s.Signature = "md5" }, `signature "md5"`},
		"ca is no PEM":      {func(s *Settings) { s.CACert = "-----BEGIN nothing" }, "holds no certificate"},
		"ca is missing":     {func(s *Settings) { s.CACert = "/does/not/exist.pem" }, "read ca_cert"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good
			tc.change(&s)
			_, err := New(s)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("New: %v, want it to say %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), testSecret) {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
	c, err := New(Settings{Endpoint: "https://cloud.test", APIKey: testKey, SecretKey: testSecret})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Endpoint(); got != "https://cloud.test/client/api" {
		t.Errorf("endpoint without a path = %s", got)
	}
}

func TestAnswersThatAreErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply  reply
		want   string
		code   int
		reason string
	}{
		"refused": {refusal(431, "Invalid algorithm: bogus"), "listZones: Invalid algorithm: bogus (431)", 431, ""},
		"mold says it inside a good answer": {
			ok(`{"errorresponse":{"errorcode":431,"cserrorcode":4350,"errortext":"No"}}`), "listZones: No (431/4350)", 431, "HTTP 200 is no proof",
		},
		"mold, flat":     {ok(`{"errorcode":530,"errortext":"Broken"}`), "listZones: Broken (530)", 530, ""},
		"not authorised": {refusal(401, "unable to verify user credentials"), "wrong signature kind", 401, "it says what it may be"},
		"html":           {reply{status: 200, body: "<!DOCTYPE html><html>", kind: "text/html; charset=utf-8"}, `answers HTML, not the CloudStack API: is the path /client/api right? (HTTP 200 OK, content type "text/html")`, 0, ""},
		"html 404":       {reply{status: 404, body: "<html><body>Not found", kind: "text/html"}, "HTTP 404 Not Found", 0, ""},
		"empty":          {reply{status: 200, kind: "text/plain"}, "gives an empty answer", 0, ""},
		"xml":            {reply{status: 200, body: "<listzonesresponse/>", kind: "text/xml"}, "answers XML", 0, ""},
		"one text":       {ok(`{"hello":"world"}`), "answers JSON that is not the CloudStack API's", 0, ""},
		"server down":    {reply{status: 500, body: `boom`}, "is in trouble, or what stands before it is", 0, ""},
		"other json":     {ok(`{"a":1,"b":2}`), "answers JSON that is not the CloudStack API's", 0, ""},
		"other json 404": {reply{status: 404, body: `{"message":"no route"}`}, "refuses without an error of the CloudStack API", 0, ""},
		"a list":         {ok(`[1]`), "not JSON", 0, "an envelope is an object"},
		"redirect":       {reply{status: 302, header: http.Header{"Location": {"https://other.test/client/api?signature=abc"}}}, "redirects to https://other.test/client/api: use that", 0, "the query is not shown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newFake(t, &fakeCloud{answer: func(string, url.Values) reply { return tc.reply }})
				_, err := c.Read(t.Context(), "listZones", nil)
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Fatalf("Read: %v, want it to say %q: %s", err, tc.want, tc.reason)
				}
				if got := CodeOf(err); got != tc.code {
					t.Errorf("code = %d, want %d", got, tc.code)
				}
				if strings.Contains(err.Error(), "signature=a") {
					t.Errorf("the error shows a signed address: %v", err)
				}
			})
		})
	}
}

func TestErrorKeepsWhatTheCloudSaid(t *testing.T) {
	t.Parallel()
	c := newFake(t, &fakeCloud{answer: func(string, url.Values) reply {
		return reply{status: 531, body: `{"listzonesresponse":{"uuidList":[{"uuid":"u-1","description":"d"}],"errorcode":531,"cserrorcode":4365,"errortext":"No access"}}`}
	}})
	_, err := c.Read(t.Context(), "listZones", nil)
	var got *Error
	if !errors.As(err, &got) {
		t.Fatalf("Read: %v, want an *Error", err)
	}
	want := &Error{Command: "listZones", HTTP: 531, Code: 531, CSCode: 4365, Text: "No access", UUIDs: []string{"u-1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestSignatureAuto(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		accepts Signature
		ahead   time.Duration
		want    Signature
		fails   string
	}{
		"cloudstack":                 {accepts: SignatureSHA1, want: SignatureSHA1},
		"mold":                       {accepts: SignatureSHA256, want: SignatureSHA256},
		"mold with a wrong clock":    {accepts: SignatureSHA256, ahead: 3 * time.Hour, want: SignatureSHA256},
		"sha1 with a wrong clock":    {accepts: SignatureSHA1, ahead: 3 * time.Hour, want: SignatureSHA1},
		"neither, so the key is bad": {accepts: "none", want: SignatureAuto, fails: "tried SHA1 (CloudStack) and SHA256 (Mold)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeCloud{clock: tc.ahead}
				f.answer = func(command string, p url.Values) reply {
					expires, err := time.Parse("2006-01-02T15:04:05-0700", p.Get("expires"))
					if err != nil {
						return refusal(400, err.Error())
					}
					signature := p.Get("signature")
					all := map[string]string{}
					for k := range p {
						if k != "signature" && k != "_method" {
							all[k] = p.Get(k)
						}
					}
					if !expires.After(time.Now().Add(tc.ahead)) || signature != sign(canonical(all), testSecret, tc.accepts) || tc.accepts == "none" {
						return refusal(401, "unable to verify user credentials and/or request signature")
					}
					return ok(`{"` + strings.ToLower(command) + `response":{"capability":{}}}`)
				}
				c := newFake(t, f, func(s *Settings) { s.Signature = SignatureAuto })
				_, err := c.Read(t.Context(), "listZones", Params{"name": "웹 *~+"})
				if tc.fails != "" {
					if err == nil || !strings.Contains(err.Error(), tc.fails) {
						t.Fatalf("Read: %v, want it to say %q", err, tc.fails)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if c.signature != tc.want {
					t.Errorf("signature = %s, want %s", c.signature, tc.want)
				}
				before := len(f.commands())
				if _, err := c.Read(t.Context(), "listZones", nil); err != nil {
					t.Fatal(err)
				}
				if got := len(f.commands()) - before; got != 1 {
					t.Errorf("second read sent %d requests, want 1: the kind is remembered", got)
				}
			})
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := New(Settings{Endpoint: "http://" + address + "/client/api", APIKey: testKey, SecretKey: testSecret, Signature: SignatureSHA1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Read(t.Context(), "listZones", nil)
	if err == nil || !strings.Contains(err.Error(), "cannot reach the cloud at "+address+": connection refused") {
		t.Fatalf("Read: %v, want it to name %s and say that the connection was refused", err, address)
	}
	j := &memoryJournal{}
	if _, err := c.With(j).Call(t.Context(), Mutation{Key: "k", Command: "createNetwork", Identity: Identity{Kind: None}}); err == nil {
		t.Fatal("Call succeeded without a server")
	}
	want := []string{"intent k", "checkpoint k id= job= done failed"}
	if diff := cmp.Diff(want, j.entries); diff != "" {
		t.Errorf("journal (-want +got): what was never sent is closed:\n%s", diff)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, err := fmt.Fprint(w, `{"listzonesresponse":{}}`); err != nil {
			t.Error(err)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for name, tc := range map[string]struct {
		change func(*Settings)
		want   string
	}{
		"unknown authority is refused": {func(*Settings) {}, "give ca_cert, or insecure"},
		"known authority":              {func(s *Settings) { s.CACert = ca }, ""},
		"insecure":                     {func(s *Settings) { s.Insecure = true }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Settings{Endpoint: server.URL + "/client/api", APIKey: testKey, SecretKey: testSecret, Signature: SignatureSHA1}
			tc.change(&s)
			c, err := New(s)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			_, err = c.Read(t.Context(), "listZones", nil)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("Read: %v, want %q", err, tc.want)
			}
			var unknown *tls.CertificateVerificationError
			if tc.want != "" && !errors.As(err, &unknown) {
				t.Errorf("Read: %v, want the cause kept", err)
			}
		})
	}
}

func TestNothingShowsSecrets(t *testing.T) {
	t.Parallel()
	var seen []string
	show := func(values ...any) {
		for _, v := range values {
			seen = append(seen, fmt.Sprintf("%v %+v %#v %s", v, v, v, v))
		}
	}
	synctest.Test(t, func(t *testing.T) {
		// The worst case: everything that comes back repeats the request.
		echo := &fakeCloud{answer: func(command string, p url.Values) reply {
			text := "bad request apikey=" + p.Get("apikey") + " secret=" + testSecret + " http://x/?a=b&signature=" + p.Get("signature") + "&c=d"
			if command == "createNetwork" {
				return reply{err: &url.Error{Op: "Get", URL: "http://cloud.test/?signature=" + p.Get("signature") + "&apikey=" + p.Get("apikey"), Err: errReset}}
			}
			return refusal(431, text)
		}}
		c := newFake(t, echo)
		_, err := c.Read(t.Context(), "listZones", nil)
		show(err)
		_, err = c.With(&memoryJournal{}).Call(t.Context(), Mutation{Key: "k", Command: "createNetwork", Identity: Identity{Kind: None}})
		show(err, c, *c, c.settings, &c.settings)
		for _, v := range echo.sent {
			for _, text := range seen {
				if strings.Contains(text, v.Get("signature")) || strings.Contains(text, encode(v.Get("signature"))) {
					t.Errorf("a signature is shown: %s", text)
				}
			}
		}
	})
	show(Params{"userdata": "hush-user", "password": "hush-pass", "privatekey": "hush-key", "name": "web"})
	for _, text := range seen {
		for _, secret := range []string{testKey, testSecret, encode(testKey), encode(testSecret), "hush-"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q is shown: %s", secret, text)
			}
		}
	}
	if text := (Params{"name": "web"}).String(); text != `name="web"` {
		t.Errorf("plain parameters = %s", text)
	}
}

func TestPostWhenLong(t *testing.T) {
	t.Parallel()
	f := &fakeCloud{answer: func(command string, _ url.Values) reply { return ok(`{"` + command + `response":{"success":true}}`) }}
	c := newFake(t, f)
	for _, size := range []int{10, 4000} {
		if _, err := c.Read(t.Context(), "listX", Params{"keyword": strings.Repeat("x", size)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.With(&memoryJournal{}).Call(t.Context(), Mutation{Key: "k", Command: "updateX", Identity: Identity{Kind: Repeat}}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range f.sent {
		got = append(got, v.Get("_method"))
	}
	if diff := cmp.Diff([]string{"GET", "POST", "POST"}, got); diff != "" {
		t.Errorf("methods of a short read, a long read, a change (-want +got):\n%s", diff)
	}
}

func TestContextEndsRequest(t *testing.T) {
	t.Parallel()
	c := newFake(t, &fakeCloud{answer: func(string, url.Values) reply { return reply{err: errReset} }})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Read(ctx, "listZones", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v, want it to end with the context", err)
	}
}
