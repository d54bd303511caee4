package cloudsim

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// profileCommands say what the machines of a group are made of.
var profileCommands = map[string]command{
	"createAutoScaleVmProfile": {start: startProfile, job: createProfileJob, creates: true, envelope: "autoscalevmprofileresponse",
		event: "AUTOSCALEVMPROFILE.CREATE"},
	"updateAutoScaleVmProfile": {start: namedProfile, job: updateProfileJob, id: kindAutoScaleProfile, event: "AUTOSCALEVMPROFILE.UPDATE"},
	"deleteAutoScaleVmProfile": {start: namedProfile, job: deleteProfileJob, id: kindAutoScaleProfile, event: "AUTOSCALEVMPROFILE.DELETE"},
	"listAutoScaleVmProfiles":  {run: listProfiles, id: kindAutoScaleProfile},
}

var deployParams = []string{"rootdisksize", "diskofferingid", "disksize", "securitygroupids", "overridediskofferingid", "keypairs", "affinitygroupids", "networkids"}

func startProfile(c *Call) (string, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return "", err
	}
	p := AutoScaleProfile{Owner: owner, ZoneID: c.Str("zoneid"), TemplateID: c.Str("templateid"), OfferingID: c.Str("serviceofferingid"),
		OtherParams: c.namedValues("otherdeployparams"), CounterParams: c.namedValues("counterparam"), ExpungeGrace: c.Int("expungevmgraceperiod", 120),
		AutoScaleUserID: c.Str("autoscaleuserid"), HideDisplay: !c.Bool("fordisplay", true)}
	if err := c.setUserData(&p); err != nil {
		return "", err
	}
	if err := c.checkProfile(p); err != nil {
		return "", err
	}
	p.Base = c.AutoScaleProfiles.NewBase()
	c.AutoScaleProfiles.Put(p)
	return p.ID, nil
}

// namedValues reads name[n].name and name[n].value. Entries in any other form arrive as the server stores them: without a
// name, under "null".
func (c *Call) namedValues(name string) map[string]string {
	all := map[string]string{}
	for _, entry := range c.Maps(name) {
		all[valueOr(entry["name"], "null")] = entry["value"]
	}
	return all
}

// setUserData takes user data over from the parameters.
func (c *Call) setUserData(p *AutoScaleProfile) error {
	if c.Has("userdata") {
		text, err := checkedUserData(c.Str("userdata"))
		if err != nil {
			return err
		}
		p.UserData, p.UserDataID = text, ""
	}
	if c.Has("userdataid") {
		p.UserDataID = c.Str("userdataid")
	}
	if c.Has("userdatadetails") {
		details := c.Map("userdatadetails")
		pairs := make([]string, 0, len(details))
		for _, k := range slices.Sorted(maps.Keys(details)) {
			pairs = append(pairs, k+"="+details[k])
		}
		p.UserDataDetails = "{" + strings.Join(pairs, ", ") + "}"
	}
	return nil
}

// checkedUserData refuses what is no base64, and text the server's second URL decoding stumbles over.
func checkedUserData(text string) (string, error) {
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			continue
		}
		if i+2 >= len(text) {
			return "", BadParam("URLDecoder: Incomplete trailing escape (%%) pattern")
		}
		digits := text[i+1 : i+3]
		if bad := strings.IndexFunc(digits, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", r) }); bad >= 0 {
			return "", BadParam(`URLDecoder: Illegal hex characters in escape (%%) pattern - Error at index %d in: "%s"`, bad, digits)
		}
	}
	if _, err := base64.StdEncoding.DecodeString(text); err != nil {
		return "", Invalid("User data is not base64 encoded")
	}
	return text, nil
}

func (c *Call) checkProfile(p AutoScaleProfile) error {
	offering, ok := c.ServiceOfferings.Get(p.OfferingID)
	if !ok {
		return Invalid("Unable to find service offering by id")
	}
	if _, ok := c.Templates.Get(p.TemplateID); !ok {
		t, _ := c.Templates.Any(p.TemplateID)
		return Invalid("Unable to find template by id %d", t.N)
	}
	if offering.CPUNumber == 0 || offering.CPUSpeed == 0 || offering.Memory == 0 {
		return Invalid("Unable to use dynamic service offering in AutoScale vm profile")
	}
	if p.ExpungeGrace < 0 {
		return Invalid("Expunge Vm Grace Period cannot be less than 0.")
	}
	for _, key := range slices.Sorted(maps.Keys(p.OtherParams)) {
		if !slices.Contains(deployParams, key) {
			return Invalid("Unsupported otherdeployparams key: %s. Supported values are [%s]", key, strings.Join(deployParams, ", "))
		}
		if slices.Contains([]string{"rootdisksize", "disksize"}, key) {
			if _, err := strconv.ParseInt(p.OtherParams[key], 10, 64); err != nil {
				return Invalid("Value of %s must be a number", key)
			}
		}
	}
	return nil
}

func createProfileJob(c *Call) (Obj, error) {
	p, ok := c.AutoScaleProfiles.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find AutoScale Vm Profile")
	}
	return Obj{"autoscalevmprofile": c.profileResponse(p)}, nil
}

func namedProfile(c *Call) (string, error) {
	p, _ := c.AutoScaleProfiles.Any(c.Str("id"))
	return c.Str("id"), c.Own(p.Owner)
}

// updateProfileJob changes a profile while all its groups are disabled; its offering may change at any time.
func updateProfileJob(c *Call) (Obj, error) {
	p, ok := c.AutoScaleProfiles.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find AutoScale Vm Profile")
	}
	guarded := false
	for _, name := range []string{"templateid", "expungevmgraceperiod", "counterparam", "otherdeployparams", "userdata", "userdataid", "userdatadetails", "autoscaleuserid"} {
		guarded = guarded || c.Has(name)
	}
	if _, active := c.AutoScaleGroups.Find(func(g AutoScaleGroup) bool { return g.ProfileID == p.ID && g.State != GroupDisabled }); guarded && active {
		return nil, Invalid("The AutoScale Vm Profile can be updated only if the Vm Group it is associated with is disabled in state")
	}
	p.OfferingID = c.Or("serviceofferingid", p.OfferingID)
	p.TemplateID = c.Or("templateid", p.TemplateID)
	p.ExpungeGrace = c.Int("expungevmgraceperiod", p.ExpungeGrace)
	p.AutoScaleUserID = c.Or("autoscaleuserid", p.AutoScaleUserID)
	if fresh := c.namedValues("otherdeployparams"); len(fresh) > 0 {
		p.OtherParams = fresh
	}
	if fresh := c.namedValues("counterparam"); len(fresh) > 0 {
		p.CounterParams = fresh
	}
	if c.Has("fordisplay") {
		p.HideDisplay = !c.Bool("fordisplay", true)
	}
	if err := c.setUserData(&p); err != nil {
		return nil, err
	}
	if err := c.checkProfile(p); err != nil {
		return nil, err
	}
	c.AutoScaleProfiles.Put(p)
	return Obj{"autoscalevmprofile": c.profileResponse(p)}, nil
}

func deleteProfileJob(c *Call) (Obj, error) {
	p, ok := c.AutoScaleProfiles.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find AutoScale Vm Profile")
	}
	if _, used := c.AutoScaleGroups.Find(func(g AutoScaleGroup) bool { return g.ProfileID == p.ID }); used {
		return nil, Invalid("Cannot delete AutoScale Vm Profile when it is in use by one more vm groups")
	}
	p.Removed = c.gone()
	c.AutoScaleProfiles.Put(p)
	return Success(), nil
}

func listProfiles(c *Call) (any, error) {
	rows, err := Visible(c, newestFirst(c.AutoScaleProfiles.Where(func(p AutoScaleProfile) bool {
		return c.is("id", p.ID) && c.is("templateid", p.TemplateID) && c.is("serviceofferingid", p.OfferingID) && c.is("zoneid", p.ZoneID) &&
			c.isBool("fordisplay", !p.HideDisplay) && strings.Contains(queryText(p.OtherParams), c.Str("otherdeployparams"))
	})))
	if err != nil {
		return nil, err
	}
	return Listing("autoscalevmprofile", rows, c.profileResponse), nil
}

// queryText is how the server stores deploy parameters: k=v&k=v.
func queryText(params map[string]string) string {
	parts := make([]string, 0, len(params))
	for _, k := range slices.Sorted(maps.Keys(params)) {
		parts = append(parts, fmt.Sprintf("%s=%s", k, params[k]))
	}
	return strings.Join(parts, "&")
}

func (c *Call) profileResponse(p AutoScaleProfile) Obj {
	o := Obj{"id": p.ID, "zoneid": p.ZoneID, "serviceofferingid": p.OfferingID, "templateid": p.TemplateID,
		"otherdeployparams": nonNil(p.OtherParams), "expungevmgraceperiod": p.ExpungeGrace, "counterparam": nonNil(p.CounterParams)}
	c.putOwner(o, p.Owner)
	if u, ok := c.UserData.Get(p.UserDataID); ok {
		o["userdataid"], o["userdataname"] = u.ID, u.Name
	}
	return o.Opt("userdata", p.UserData).Opt("userdatadetails", p.UserDataDetails).Opt("autoscaleuserid", p.AutoScaleUserID)
}

func nonNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
