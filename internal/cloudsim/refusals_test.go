package cloudsim

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/moldctl/moldctl/internal/cloudsim/apitable"
)

// commandKinds are the kinds of a command's parameters as its calls check them.
func commandKinds(cmd command) map[string]kind {
	kinds := make(map[string]kind)
	if cmd.id != kindAny {
		kinds["id"], kinds["ids"] = cmd.id, cmd.id
	}
	maps.Copy(kinds, cmd.kinds)
	return kinds
}

// refusal is the text with which the shared checks refuse one parameter of a command, given alone.
func refusal(c *Cloud, name string, param apitable.Param, value string) string {
	param.Required = false
	alone := &apitable.Command{Name: "alone", Params: []apitable.Param{param}}
	err := checkParams(&c.store.Tables, alone, commandKinds(c.commands[name]), labelOf(name, c.commands[name]), Params{param.Name: value})
	if err == nil {
		return ""
	}
	e := asAPIError(err)
	return fmt.Sprintf("%d/%d %s", e.HTTP, e.CS, e.Text)
}

// TestEveryCommandRefusesBadValues: numbers, dates, ids and long texts are refused by every command in the same words.
func TestEveryCommandRefusesBadValues(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	checked := 0
	for name, cmd := range c.commands {
		label := labelOf(name, cmd)
		for _, p := range c.table[name].Params {
			value, want := "", ""
			switch p.Type {
			case apitable.Integer, apitable.Long, apitable.Short:
				value, want = "abc", fmt.Sprintf("431/9999 Unable to execute API command %s due to invalid value abc for parameter %s", label, p.Name)
			case apitable.Date:
				value, want = "soon", fmt.Sprintf("431/9999 Unable to parse date soon for command %s, please pass dates in the format mentioned in the api documentation", label)
			case apitable.String:
				value = strings.Repeat("x", p.Length+1)
				want = fmt.Sprintf("431/9999 Unable to execute API command %s due to invalid value. Value greater than max allowed length %d for param: %s", label, p.Length, javaField(label, p.Name))
			case apitable.UUID:
				if k, given := cmd.kinds[p.Name]; given && k == kindAny {
					continue // the command says more about it
				}
				value, want = noUUID, fmt.Sprintf("431/9999 Unable to execute API command %s due to invalid value. Invalid parameter %s value=%s due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.", label, p.Name, noUUID)
			default:
				continue
			}
			checked++
			if got := refusal(c, name, p, value); got != want {
				t.Errorf("%s, parameter %s:\n\twant %s\n\tgot  %s", name, p.Name, want, got)
			}
		}
	}
	if checked < 1500 {
		t.Errorf("only %d parameters were checked", checked)
	}
}

// TestEveryCommandMissesParameters: without parameters every command names the first it cannot do without, and in the order of the
// server.
func TestEveryCommandMissesParameters(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	for name, cmd := range c.commands {
		declared, wanted := c.table[name], required(c.table[name])
		for _, p := range declared.Params {
			if p.Required != slices.Contains(wanted, p.Name) {
				t.Errorf("%s: parameter %s is required: %t, but the order of its parameters says otherwise", name, p.Name, p.Required)
			}
		}
		if len(wanted) == 0 {
			continue
		}
		r := call(t, c, "admin", name)
		want := fmt.Sprintf("Unable to execute API command %s due to missing parameter %s", labelOf(name, cmd), wanted[0])
		if r.status != 431 || r.envelope != envelopeOf(name, cmd) || r.body["cserrorcode"] != float64(csServer) || r.text() != want {
			t.Errorf("%s without parameters: %d %s, want %s", name, r.status, r.raw, want)
		}
		if got := r.header.Get("X-Description"); got != want {
			t.Errorf("%s: header X-Description %q", name, got)
		}
	}
}

// TestEveryCommandOfOthers: what a role does not allow, what nobody has implemented and what does not exist is refused before anything else.
func TestEveryCommandOfOthers(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{Flavor: FlavorCloudStack})
	user, _ := c.store.Accounts.Find(func(a Account) bool { return a.Name == "user" })
	keys, _ := c.Keys("user")
	id, _ := c.store.Users.Find(func(u User) bool { return u.AccountID == user.ID })
	refused := 0
	for name := range c.table {
		cmd, implemented := c.commands[name]
		want := fmt.Sprintf("The API [%s] does not exist or is not available for the account for user id [%s].", name, id.ID)
		if name == "login" || name == "logout" || implemented && c.mayCall(Caller{Account: user}, name, cmd) {
			continue
		}
		refused++
		form := url.Values{"command": {name}, "apikey": {keys.APIKey}, "response": {"json"}, "signature": {"bad"}}
		for _, r := range []result{call(t, c, "user", name), postForm(t, c, form)} {
			if r.status != 432 || r.envelope != "errorresponse" || r.text() != want {
				t.Errorf("%s: %d %s, want 432 %s", name, r.status, r.raw, want)
			}
		}
	}
	if refused < 300 {
		t.Errorf("only %d commands were refused", refused)
	}
	if r := call(t, c, "admin", "listZonez"); r.status != 401 || r.envelope != "errorresponse" {
		t.Errorf("an unknown command: %d %s", r.status, r.raw)
	}
}

func postForm(t *testing.T, c *Cloud, form url.Values) result {
	t.Helper()
	resp, err := http.PostForm(c.Endpoint(), form)
	if err != nil {
		t.Fatal(err)
	}
	return readResult(t, resp)
}
