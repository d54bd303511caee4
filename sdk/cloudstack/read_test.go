package cloudstack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pages answers a listing of total objects as the server does: page by page, {} when there is none, a count without array past the end.
func pages(t *testing.T, total, most int) func(string, url.Values) reply {
	return func(_ string, p url.Values) reply {
		size, err := strconv.Atoi(p.Get("pagesize"))
		if err != nil {
			return refusal(431, err.Error())
		}
		page, err := strconv.Atoi(p.Get("page"))
		if err != nil {
			return refusal(431, err.Error())
		}
		if size > most {
			return refusal(431, fmt.Sprintf("Page size can't exceed max allowed page size value: %d", most))
		}
		var items []Object
		for i := (page - 1) * size; i < min(page*size, total); i++ {
			items = append(items, Object{"id": strconv.Itoa(i)})
		}
		inner := Object{}
		if total > 0 {
			inner["count"] = total
		}
		if len(items) > 0 {
			inner["network"] = items
		}
		body, err := json.Marshal(Object{"listnetworksresponse": inner})
		if err != nil {
			t.Error(err)
		}
		return ok(string(body))
	}
}

func TestListReadsAllPages(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ total, most, requests int }{
		"none":                     {0, 500, 1},
		"one page":                 {3, 500, 1},
		"exactly one page":         {500, 500, 2},
		"three pages":              {1234, 500, 3},
		"a server of smaller page": {120, 50, 4}, // the refusal, then 50, 50, 20
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeCloud{answer: pages(t, tc.total, tc.most)}
			got, err := newFake(t, f).List(t.Context(), "listNetworks", Params{"zoneid": "z"}, "network")
			if err != nil {
				t.Fatal(err)
			}
			for i, o := range got {
				if o.ID() != strconv.Itoa(i) {
					t.Fatalf("object %d has id %s", i, o.ID())
				}
			}
			if len(got) != tc.total || len(f.sent) != tc.requests {
				t.Errorf("%d objects in %d requests, want %d in %d", len(got), len(f.sent), tc.total, tc.requests)
			}
			if f.sent[len(f.sent)-1].Get("zoneid") != "z" {
				t.Error("the parameters are not on every page")
			}
		})
	}
}

func TestListOfAServerThatDoesNotPage(t *testing.T) {
	t.Parallel()
	items := make([]Object, pageSize)
	for i := range items {
		items[i] = Object{"id": strconv.Itoa(i)}
	}
	body, err := json.Marshal(Object{"listcountersresponse": Object{"count": pageSize, "counter": items}})
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeCloud{answer: func(string, url.Values) reply { return ok(string(body)) }}
	got, err := newFake(t, f).List(t.Context(), "listCounters", nil, "counter")
	if err != nil || len(got) != pageSize {
		t.Errorf("List gave %d objects, %v; want %d", len(got), err, pageSize)
	}
}

func TestListWithAWrongKeySaysSo(t *testing.T) {
	t.Parallel()
	f := &fakeCloud{answer: func(string, url.Values) reply { return ok(`{"x":{"count":1,"vmSnapshot":[{"id":"1"}]}}`) }}
	if _, err := newFake(t, f).List(t.Context(), "listVMSnapshot", nil, "vmsnapshot"); err == nil || !strings.Contains(err.Error(), `"vmSnapshot"`) {
		t.Errorf("List: %v, want it to name what is there instead of giving nothing", err)
	}
	got, err := newFake(t, f).List(t.Context(), "listVMSnapshot", nil, "")
	if err != nil || len(got) != 1 {
		t.Errorf("List without a key: %d objects, %v; want 1", len(got), err)
	}
}

func TestReadTriesAgain(t *testing.T) {
	t.Parallel()
	good := ok(`{"listzonesresponse":{"count":0}}`)
	for name, tc := range map[string]struct {
		replies  []reply
		requests int
		fails    bool
	}{
		"never answered yet":    {[]reply{{err: errReset}, {err: errReset}, good}, 2, true}, // given up sooner
		"after it has answered": {[]reply{refusal(503, "busy"), {err: errReset}, {err: errReset}, good}, 4, false},
		"too many requests":     {[]reply{refusal(429, "slow down"), good}, 2, false},
		"internal error":        {[]reply{refusal(530, "db"), good}, 2, false},
		"proxy without backend": {[]reply{{status: 502, body: "<html>", kind: "text/html"}, good}, 2, false},
		"bad parameter":         {[]reply{refusal(431, "no"), good}, 1, true},
		"html is for ever":      {[]reply{{status: 200, body: "<html>", kind: "text/html"}, good}, 1, true},
		"never well":            {[]reply{refusal(503, "busy")}, readAttempts, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeCloud{answer: steps(map[string][]reply{"listZones": tc.replies})}
				began := time.Now()
				_, err := newFake(t, f).Read(t.Context(), "listZones", nil)
				if (err != nil) != tc.fails || f.count("listZones") != tc.requests {
					t.Errorf("%d requests, error %v; want %d, error %v", f.count("listZones"), err, tc.requests, tc.fails)
				}
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

func TestReadByID(t *testing.T) {
	t.Parallel()
	gone := `Unable to execute API command listnetworks due to invalid value. Invalid parameter id value=n-1 due to incorrect long value format, ` +
		`or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.`
	for name, tc := range map[string]struct {
		reply reply
		id    string
		gone  bool
	}{
		"there":               {ok(`{"r":{"count":1,"network":[{"id":"n-1"}]}}`), "n-1", false},
		"unknown id":          {refusal(431, gone), "", true},
		"empty listing":       {ok(`{"r":{}}`), "", true},
		"another 431":         {refusal(431, "page size"), "", false},
		"no right to see it":  {refusal(531, "not yours"), "", false},
		"another parameter's": {refusal(431, strings.Replace(gone, "parameter id", "parameter zoneid", 1)), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newFake(t, &fakeCloud{answer: func(string, url.Values) reply { return tc.reply }})
			got, err := c.ReadByID(t.Context(), "updateNetwork", "n-1")
			if got.ID() != tc.id || IsGone(err) != tc.gone || (err == nil) != (tc.id != "") {
				t.Errorf("ReadByID = %v, %v; want id %q, gone %v", got, err, tc.id, tc.gone)
			}
		})
	}
}

func TestZone(t *testing.T) {
	t.Parallel()
	body := `{"r":{"count":3,"zone":[{"id":"z1","name":"old","allocationstate":"Disabled"},{"id":"z2","name":"서울","allocationstate":"Enabled"},{"id":"z3","name":"c","allocationstate":"Enabled"}]}}`
	for name, tc := range map[string]struct{ wanted, want, fails string }{
		"first usable": {"", "z2", ""},
		"by name":      {"서울", "z2", ""},
		"by id":        {"z3", "z3", ""},
		"unknown":      {"busan", "", "the cloud has: old, 서울, c"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeCloud{answer: func(string, url.Values) reply { return ok(body) }}
			c := newFake(t, f, func(s *Settings) { s.Zone = tc.wanted })
			for range 2 {
				zone, err := c.Zone(t.Context())
				if zone.ID() != tc.want || (err == nil) != (tc.fails == "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
					t.Fatalf("Zone = %v, %v; want %q, %q", zone, err, tc.want, tc.fails)
				}
			}
			if tc.fails == "" && len(f.sent) != 1 {
				t.Errorf("%d requests, want 1: the zone is looked up once", len(f.sent))
			}
		})
	}
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	f := &fakeCloud{answer: steps(map[string][]reply{
		"listZones":        {ok(`{"r":{"count":1,"zone":[{"id":"z1","name":"zone-1","allocationstate":"Enabled"}]}}`)},
		"listCapabilities": {ok(`{"r":{"capability":{"cloudstackversion":"4.22.0.0","allowuserexpungerecovervm":false}}}`)},
		"listUsers": {ok(`{"r":{"count":2,"user":[{"id":"u0","account":"acme","accountid":"a1","roletype":"DomainAdmin","apikey":"other"},` +
			`{"id":"u1","account":"acme","accountid":"a1","domain":"ROOT","domainid":"d1","roletype":"User","apikey":"` + testKey + `"}]}}`)},
	})}
	got, err := newFake(t, f).Identify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := CallerIdentity{ZoneID: "z1", Zone: "zone-1", DomainID: "d1", Domain: "ROOT", AccountID: "a1", Account: "acme", Role: "User", Version: "4.22.0.0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
}

func TestProjectGoesWithEveryCall(t *testing.T) {
	t.Parallel()
	f := &fakeCloud{answer: func(string, url.Values) reply { return ok(`{"r":{}}`) }}
	c := newFake(t, f, func(s *Settings) { s.Project = "p1" })
	for _, params := range []Params{nil, {"projectid": "-1"}} {
		if _, err := c.Read(t.Context(), "listNetworks", params); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := f.sent[0].Get("projectid"), f.sent[1].Get("projectid"); a != "p1" || b != "-1" {
		t.Errorf("projectid = %q and %q, want p1 and -1", a, b)
	}
}

// TestToldWhenToAskAgain is refused for load many times, each time with a word
// about when to come back: it comes back then, and goes on for longer than it
// would without.
func TestToldWhenToAskAgain(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]reply{
		"in words":    refusal(429, "The given user has reached his/her account api limit, please retry after [900] ms."),
		"in a header": {status: 503, header: http.Header{"Retry-After": {"1"}}, body: "later"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				fake := &fakeCloud{answer: func(command string, _ url.Values) reply {
					if time.Since(began) < 20*time.Second {
						return refused
					}
					return reply{body: `{"listzonesresponse":{}}`}
				}}
				c, err := New(Settings{Endpoint: "http://cloud.test/client/api", APIKey: testKey, SecretKey: testSecret, Signature: SignatureSHA1, Transport: fake})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := c.Read(t.Context(), "listZones", nil); err != nil {
					t.Error(err)
				}
				if asked := len(fake.commands()); asked > 25 {
					t.Errorf("asked %d times in 20 s, and was told to come back each second", asked)
				}
			})
		})
	}
	t.Run("for ever", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			fake := &fakeCloud{answer: func(string, url.Values) reply { return refusal(429, "please retry after 1000 ms") }}
			c, err := New(Settings{Endpoint: "http://cloud.test/client/api", APIKey: testKey, SecretKey: testSecret, Signature: SignatureSHA1, Transport: fake})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Read(t.Context(), "listZones", nil); err == nil || time.Since(began) > 2*restPatience {
				t.Errorf("ended with %v after %s", err, time.Since(began))
			}
		})
	})
}
