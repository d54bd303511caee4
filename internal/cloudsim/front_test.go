package cloudsim

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

func TestFrontRefusals(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	const unverified = "unable to verify user credentials and/or request signature"
	tests := map[string]struct {
		account, command string
		params           []string
		status           int
		cs               any
		text, reason     string
	}{
		"unknown command":       {"admin", "listZonez", nil, 401, nil, unverified, "not to be told from a bad signature"},
		"wrong case":            {"admin", "ListZONES", nil, 401, nil, unverified, "command names are case-sensitive"},
		"no handler":            {"admin", "createKubernetesCluster", nil, 432, 9999.0, "", "listed but not implemented is not available"},
		"not for users":         {"user", "listHosts", nil, 432, 9999.0, "", "role check"},
		"page without pagesize": {"admin", "listZones", []string{"page", "1"}, 431, 9999.0, `"pagesize" parameter is required when "page" is specified`, "paging rules"},
		"page size too big":     {"admin", "listZones", []string{"page", "1", "pagesize", "501"}, 431, 4350.0, "Page size can't exceed max allowed page size value: 500", "paging rules"},
		"bad integer":           {"admin", "listZones", []string{"page", "abc"}, 431, 9999.0, "Unable to execute API command listzones due to invalid value abc for parameter page", "typed parameters"},
		"missing parameter":     {"admin", "queryAsyncJobResult", nil, 431, 9999.0, "Unable to execute API command queryasyncjobresult due to missing parameter jobid", "required parameters"},
		"unknown id": {"admin", "listZones", []string{"id", "x"}, 431, 9999.0,
			"Unable to execute API command listzones due to invalid value. Invalid parameter id value=x due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.", "list commands too refuse unknown ids"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := call(t, c, tt.account, tt.command, tt.params...)
			if r.status != tt.status || r.body["cserrorcode"] != tt.cs || tt.text != "" && r.text() != tt.text {
				t.Errorf("%s: got %d %s", tt.reason, r.status, r.raw)
			}
			if want := r.text(); tt.status != 401 && r.header.Get("X-Description") != want {
				t.Errorf("X-Description: got %q, want %q", r.header.Get("X-Description"), want)
			}
		})
	}
}

func TestSignature(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	keys, _ := c.Keys("admin")
	soon, past := time.Now().Add(time.Minute).UTC().Format(time.RFC3339), "2020-01-01T00:00:00+0000"
	tests := map[string]struct {
		params url.Values
		secret string
		status int
	}{
		"good":              {url.Values{}, keys.SecretKey, 200},
		"bad secret":        {url.Values{}, "x", 401},
		"unknown key":       {url.Values{"apikey": {"x"}}, keys.SecretKey, 401},
		"v3 with expires":   {url.Values{"signatureversion": {"3"}, "expires": {soon}}, keys.SecretKey, 200},
		"v3 expired":        {url.Values{"signatureversion": {"3"}, "expires": {past}}, keys.SecretKey, 401},
		"v3 no expires":     {url.Values{"signatureversion": {"3"}}, keys.SecretKey, 401},
		"special signs":     {url.Values{"keyword": {"a b+c*d/é"}}, keys.SecretKey, 200},
		"expires without 3": {url.Values{"expires": {past}}, keys.SecretKey, 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			params := url.Values{"command": {"listZones"}, "apikey": {keys.APIKey}, "response": {"json"}}
			for k, v := range tt.params {
				params[k] = v
			}
			encoded := signQuery(params, tt.secret)
			resp, err := http.Get(c.Endpoint() + "?" + encoded)
			if err != nil {
				t.Fatal(err)
			}
			if r := readResult(t, resp); r.status != tt.status {
				t.Errorf("got %d %s, want %d", r.status, r.raw, tt.status)
			}
		})
	}
}
