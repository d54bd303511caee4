package cloudsim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestXML(t *testing.T) {
	t.Parallel()
	const begin, end = `<?xml version="1.0" encoding="UTF-8"?><r cloud-stack-version="4.22.0.0">`, `</r>`
	tests := map[string]struct {
		body any
		want string
	}{
		"list":       {Obj{"thing": []Obj{{"id": "a"}, {"id": "b"}}, "count": 2}, "<count>2</count><thing><id>a</id></thing><thing><id>b</id></thing>"},
		"empty list": {Obj{}, ""},
		"object":     {Obj{"thing": Obj{"n": 3, "on": true, "tags": []Obj{}}}, "<thing><n>3</n><on>true</on></thing>"},
		"details":    {Obj{"thing": Obj{"details": map[string]string{"k": "v", "a": "b"}}}, "<thing><details>{a=b, k=v}</details></thing>"},
		"texts":      {Obj{"names": []string{"x", "y"}}, "<names>x</names><names>y</names>"},
		"escaping":   {Obj{"text": `<a & "b">`}, "<text>&lt;a &amp; &#34;b&#34;&gt;</text>"},
		"job result": {Obj{"jobresult": json.RawMessage(`{"success":true}`)}, "<jobresult><success>true</success></jobresult>"},
		"refusal":    {errorBody("r", Invalid("no"))["r"], "<cserrorcode>4350</cserrorcode><errorcode>431</errorcode><errortext>no</errortext>"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := encodeXML(map[string]any{"r": tt.body})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(begin+tt.want+end, string(got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestXMLIsTheDefault: whoever does not ask for JSON is answered in XML, also when refused.
func TestXMLIsTheDefault(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	keys, _ := c.Keys("admin")
	for name, id := range map[string]string{"answer": "", "refusal": "nothing"} {
		form := url.Values{"command": {"listZones"}, "apikey": {keys.APIKey}}
		if id != "" {
			form.Set("id", id)
		}
		resp, err := http.Post(c.Endpoint(), "application/x-www-form-urlencoded", strings.NewReader(signQuery(form, keys.SecretKey)))
		if err != nil {
			t.Fatal(err)
		}
		r := readAnswer(t, resp)
		if got := resp.Header.Get("Content-Type"); got != "text/xml;charset=utf-8" || r.envelope != "listzonesresponse" {
			t.Errorf("%s: %s %s", name, got, r.raw)
		}
		if refused := r.status == 431 && r.body["errorcode"] == "431"; refused != (id != "") {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
}
