package cloudsim

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
)

// TestRolesDecide checks that a role's rules are judged in their order, and its type after them.
func TestRolesDecide(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	role := must(t, c, "admin", "createRole", "name", "lookers", "type", "User").object("role")["id"].(string)
	for _, r := range [][2]string{{"listZones", "deny"}, {"list*", "allow"}, {"*", "deny"}} {
		must(t, c, "admin", "createRolePermission", "roleid", role, "rule", r[0], "permission", r[1])
	}
	account := must(t, c, "admin", "createAccount", "username", "ann", "password", "secret1", "firstname", "Ann", "lastname", "A", "email", "ann@example.com", "roleid", role).object("account")
	user := account["user"].([]any)[0].(map[string]any)["id"].(string)
	must(t, c, "admin", "registerUserKeys", "id", user)
	for command, want := range map[string]int{"listZones": 432, "listNetworks": 200, "createSSHKeyPair": 432} {
		if got := call(t, c, "ann", command, "name", "x"); got.status != want {
			t.Errorf("%s: status %d, want %d: %s", command, got.status, want, got.raw)
		}
	}
	must(t, c, "admin", "disableRole", "id", role)
	if got := call(t, c, "ann", "listNetworks"); got.status != 432 {
		t.Errorf("a disabled role still allows: %s", got.raw)
	}
}

// TestReadOnlyAdmin checks the role of an installation that only looks.
func TestReadOnlyAdmin(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	a := must(t, c, "admin", "createAccount", "username", "eye", "password", "secret1", "firstname", "E", "lastname", "E", "email", "e@example.com",
		"roleid", "02f92dc1-e679-11f1-92f9-02fc00000001").object("account")
	must(t, c, "admin", "registerUserKeys", "id", a["user"].([]any)[0].(map[string]any)["id"].(string))
	if got := call(t, c, "eye", "listHosts"); got.status != 200 {
		t.Errorf("listHosts: %s", got.raw)
	}
	if got := call(t, c, "eye", "createDomain", "name", "x"); got.status != 432 {
		t.Errorf("createDomain: %s", got.raw)
	}
}

// TestSession logs in with a password, calls with the session, and logs out.
func TestSession(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	post := func(kv ...string) result {
		form := url.Values{"response": {"json"}}
		for i := 0; i+1 < len(kv); i += 2 {
			form.Set(kv[i], kv[i+1])
		}
		resp, err := client.PostForm(c.Endpoint(), form)
		if err != nil {
			t.Fatal(err)
		}
		return readResult(t, resp)
	}
	if r := post("command", "login", "username", "admin", "password", "wrong"); r.status != 531 || r.text() != "Failed to authenticate user admin in domain 1; please provide valid credentials" {
		t.Errorf("wrong password: %d %s", r.status, r.raw)
	}
	in := post("command", "login", "username", "admin", "password", "password", "domain", "/")
	if in.status != 200 || in.str("type") != "1" {
		t.Fatalf("login: %s", in.raw)
	}
	if r := post("command", "listHosts", "sessionkey", in.str("sessionkey")); r.status != 200 {
		t.Errorf("with the key: %s", r.raw)
	}
	if r := post("command", "logout", "sessionkey", in.str("sessionkey")); r.status != 200 || r.str("description") != "success" {
		t.Errorf("logout: %s", r.raw)
	}
	if r := post("command", "listHosts", "sessionkey", in.str("sessionkey")); r.status != 401 {
		t.Errorf("after logout: %s", r.raw)
	}
	resp, err := client.Get(c.Endpoint() + "?command=login&username=admin&password=password&response=json")
	if err != nil {
		t.Fatal(err)
	}
	if r := readResult(t, resp); r.status != 405 {
		t.Errorf("login by GET: %d %s", r.status, r.raw)
	}
}

// TestDeleteAccountTakesItsThings checks that nothing of a deleted account is left.
func TestDeleteAccountTakesItsThings(t *testing.T) {
	t.Parallel()
	c := startCloud(t, Options{})
	zone := must(t, c, "user", "listZones").items("zone")[0]["id"].(string)
	offering := must(t, c, "user", "listNetworkOfferings", "name", "DefaultIsolatedNetworkOfferingWithSourceNatService").items("networkoffering")[0]["id"].(string)
	must(t, c, "user", "createNetwork", "name", "n", "zoneid", zone, "networkofferingid", offering)
	disk := must(t, c, "user", "listDiskOfferings", "name", "Small").items("diskoffering")[0]["id"].(string)
	mustJob(t, c, "user", "createVolume", "name", "v", "zoneid", zone, "diskofferingid", disk)
	id := must(t, c, "admin", "listAccounts", "name", "user").items("account")[0]["id"].(string)
	mustJob(t, c, "admin", "deleteAccount", "id", id)
	for _, list := range []string{"listNetworks", "listVolumes", "listAccounts"} {
		if r := must(t, c, "admin", list, "listall", "true", "keyword", ""); list != "listAccounts" && r.body["count"] != nil {
			t.Errorf("%s: %s", list, r.raw)
		}
	}
	if _, ok := c.Keys("user"); ok {
		t.Error("the account's keys still work")
	}
}
