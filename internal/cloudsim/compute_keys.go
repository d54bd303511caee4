package cloudsim

import (
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// computeCommands are what machines are labelled and equipped with.
var computeCommands = map[string]command{
	"createSSHKeyPair":       {run: createSSHKeyPair},
	"registerSSHKeyPair":     {run: registerSSHKeyPair},
	"listSSHKeyPairs":        {run: listSSHKeyPairs, id: kindSSHKey},
	"deleteSSHKeyPair":       {run: deleteSSHKeyPair},
	"createAffinityGroup":    {start: startCreateAffinity, job: createAffinityJob, creates: true, event: "AG.CREATE"},
	"listAffinityGroups":     {run: listAffinityGroups, id: kindAffinityGroup},
	"listAffinityGroupTypes": {run: listAffinityTypes},
	"deleteAffinityGroup":    {start: startDeleteAffinity, job: deleteAffinityJob, id: kindAffinityGroup, event: "AG.DELETE"},
	"updateVMAffinityGroup":  {start: startVM, job: updateAffinityJob, queue: queueVM("id"), id: kindVM, event: "VM.AFFINITY.GROUP.UPDATE", envelope: "updatevirtualmachineresponse"},
	"createInstanceGroup":    {run: createInstanceGroup},
	"listInstanceGroups":     {run: listInstanceGroups, id: kindInstanceGroup},
	"deleteInstanceGroup":    {run: deleteInstanceGroup, id: kindInstanceGroup},
	"registerUserData":       {run: registerUserData},
	"listUserData":           {run: listUserData, id: kindUserData},
	"deleteUserData":         {run: deleteUserData, id: kindUserData},
	"linkUserDataToTemplate": {run: linkUserData, event: "TEMPLATE.UPDATE"},
}

func (c *Call) keyResponse(k SSHKey) Obj {
	o := Obj{"id": k.ID, "name": k.Name, "fingerprint": k.Fingerprint, "hasannotations": false}
	c.putOwner(o, k.Owner)
	delete(o, "domainpath")
	return o
}

func (c *Call) keyNamed(owner Owner, name string) (SSHKey, bool) {
	return c.SSHKeys.Find(func(k SSHKey) bool { return k.Name == name && k.AccountID == owner.AccountID })
}

// createSSHKeyPair makes a key pair and shows its private half this once.
func createSSHKeyPair(c *Call) (any, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return nil, err
	}
	name := c.Str("name")
	if _, taken := c.keyNamed(owner, name); taken {
		return nil, Invalid("A key pair with name '%s' already exists.", name)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, Internal("create a key pair: %v", err)
	}
	block, err := ssh.MarshalPrivateKey(private, name)
	if err != nil {
		return nil, Internal("create a key pair: %v", err)
	}
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		return nil, Internal("create a key pair: %v", err)
	}
	k := c.putKey(owner, name, public)
	o := c.keyResponse(k)
	o["privatekey"] = string(pem.EncodeToMemory(block))
	return Obj{"keypair": o}, nil
}

func (c *Call) putKey(owner Owner, name string, public ssh.PublicKey) SSHKey {
	sum := md5.Sum(public.Marshal())
	var parts []string
	for _, b := range sum {
		parts = append(parts, fmt.Sprintf("%02x", b))
	}
	k := SSHKey{Base: c.SSHKeys.NewBase(), Owner: owner, Name: name, PublicKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))), Fingerprint: strings.Join(parts, ":")}
	c.SSHKeys.Put(k)
	c.Made(k.ID)
	return k
}

func registerSSHKeyPair(c *Call) (any, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return nil, err
	}
	name := c.Str("name")
	if _, taken := c.keyNamed(owner, name); taken {
		return nil, Invalid("A key pair with name '%s' already exists for this account.", name)
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(c.Str("publickey")))
	if err != nil {
		return nil, Invalid("Public key is invalid")
	}
	text := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
	if _, taken := c.SSHKeys.Find(func(k SSHKey) bool { return k.AccountID == owner.AccountID && k.PublicKey == text }); taken {
		return nil, Invalid("A key pair with key '%s' already exists for this account.", c.Str("publickey"))
	}
	return Obj{"keypair": c.keyResponse(c.putKey(owner, name, public))}, nil
}

func listSSHKeyPairs(c *Call) (any, error) {
	rows, err := Visible(c, c.SSHKeys.Where(func(k SSHKey) bool {
		return c.named(k.ID, k.Name, k.Fingerprint) && c.is("fingerprint", k.Fingerprint)
	}))
	if err != nil {
		return nil, err
	}
	return Listing("sshkeypair", rows, c.keyResponse), nil
}

func deleteSSHKeyPair(c *Call) (any, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return nil, err
	}
	k, ok := c.keyNamed(owner, c.Str("name"))
	if !ok {
		a, _ := c.Accounts.Any(owner.AccountID)
		return nil, Invalid("A key pair with name '%s' does not exist for account %s in specified domain id", c.Str("name"), a.Name)
	}
	c.SSHKeys.Delete(k.ID)
	c.Made(k.ID)
	return Success(), nil
}

// sealPassword encrypts a password for the holder of an RSA key, as the server does.
func sealPassword(publicKey, password string) (string, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(publicKey))
	if err != nil {
		return "", err
	}
	crypto, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return "", errors.New("not a usable key")
	}
	public, ok := crypto.CryptoPublicKey().(*rsa.PublicKey)
	if !ok {
		return "", errors.New("only RSA keys can encrypt")
	}
	if _, err := x509.MarshalPKIXPublicKey(public); err != nil {
		return "", err
	}
	//lint:ignore SA1019 the real server seals passwords this way, and clients open them so
	sealed, err := rsa.EncryptPKCS1v15(rand.Reader, public, []byte(password))
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

// affinityTypes are what a group can ask for.
var affinityTypes = []string{"host affinity", "host anti-affinity", "non-strict host affinity", "non-strict host anti-affinity"}

func startCreateAffinity(c *Call) (string, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return "", err
	}
	if !slices.Contains(affinityTypes, c.Str("type")) {
		return "", Invalid("Unable to create affinity group, invalid affinity group type: %s. Valid values are non-strict host affinity,host affinity,host anti-affinity,ExplicitDedication,non-strict host anti-affinity", c.Str("type"))
	}
	if _, taken := c.AffinityGroups.Find(func(g AffinityGroup) bool { return g.Name == c.Str("name") && g.AccountID == owner.AccountID }); taken {
		return "", Invalid("Unable to create affinity group, a group with name %s already exists.", c.Str("name"))
	}
	g := AffinityGroup{Base: c.AffinityGroups.NewBase(), Owner: owner, Name: c.Str("name"), Description: c.Str("description"), Type: c.Str("type")}
	c.AffinityGroups.Put(g)
	return g.ID, nil
}

func createAffinityJob(c *Call) (Obj, error) {
	g, ok := c.AffinityGroups.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find affinity group by id %s", c.EntityID)
	}
	return Obj{"affinitygroup": c.affinityResponse(g)}, nil
}

func (c *Call) affinityResponse(g AffinityGroup) Obj {
	o := Obj{"id": g.ID, "name": g.Name, "type": g.Type}
	c.putOwner(o, g.Owner)
	var ids []string
	for v := range c.VMs.All() {
		if slices.Contains(v.AffinityGroupIDs, g.ID) {
			ids = append(ids, v.ID)
		}
	}
	if len(ids) > 0 {
		o["virtualmachineIds"] = ids
	}
	return o.Opt("description", g.Description)
}

func listAffinityGroups(c *Call) (any, error) {
	rows, err := Visible(c, c.AffinityGroups.Where(func(g AffinityGroup) bool {
		if id := c.Str("virtualmachineid"); id != "" {
			if vm, _ := c.VMs.Get(id); !slices.Contains(vm.AffinityGroupIDs, g.ID) {
				return false
			}
		}
		return c.named(g.ID, g.Name) && c.is("type", g.Type)
	}))
	if err != nil {
		return nil, err
	}
	return Listing("affinitygroup", rows, c.affinityResponse), nil
}

func listAffinityTypes(*Call) (any, error) {
	return Listing("affinityGroupType", affinityTypes, func(t string) Obj { return Obj{"type": t} }), nil
}

func startDeleteAffinity(c *Call) (string, error) {
	if id := c.Str("id"); id != "" {
		g, _ := c.AffinityGroups.Get(id)
		return g.ID, c.Own(g.Owner)
	}
	owner, err := c.NewOwner()
	if err != nil {
		return "", err
	}
	g, ok := c.AffinityGroups.Find(func(g AffinityGroup) bool { return g.Name == c.Str("name") && g.AccountID == owner.AccountID })
	if !ok {
		return "", Invalid("Unable to find affinity group by name %s", c.Str("name"))
	}
	return g.ID, nil
}

// deleteAffinityJob removes a group; its machines just leave it.
func deleteAffinityJob(c *Call) (Obj, error) {
	for v := range c.VMs.All() {
		if slices.Contains(v.AffinityGroupIDs, c.EntityID) {
			v.AffinityGroupIDs = slices.DeleteFunc(slices.Clone(v.AffinityGroupIDs), func(id string) bool { return id == c.EntityID })
			c.VMs.Put(v)
		}
	}
	c.AffinityGroups.Delete(c.EntityID)
	return Success(), nil
}

func updateAffinityJob(c *Call) (Obj, error) {
	vm, err := c.vmNow()
	if err != nil {
		return nil, err
	}
	if vm.State != VMStopped {
		return nil, Invalid("Unable update affinity groups of the virtual machine %s in state %s; make sure the virtual machine is stopped and not in an error state before updating.", c.vmText(vm), vm.State)
	}
	d := &deployment{vm: vm}
	if err := chooseGroups(c, d); err != nil {
		return nil, err
	}
	c.VMs.Put(d.vm)
	return Obj{"virtualmachine": c.brief(vm.ID)}, nil
}

// instanceGroup is the id of the group of that name; it is made if there is none.
func (c *Call) instanceGroup(owner Owner, name string) string {
	g, ok := c.InstanceGroups.Find(func(g InstanceGroup) bool { return g.Name == name && g.AccountID == owner.AccountID })
	if !ok {
		g = InstanceGroup{Base: c.InstanceGroups.NewBase(), Owner: owner, Name: name}
		c.InstanceGroups.Put(g)
	}
	return g.ID
}

func (c *Call) instanceGroupResponse(g InstanceGroup) Obj {
	o := Obj{"id": g.ID, "name": g.Name, "created": timeText(g.Created), "hasannotations": false}
	c.putOwner(o, g.Owner)
	return o
}

func createInstanceGroup(c *Call) (any, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return nil, err
	}
	if _, taken := c.InstanceGroups.Find(func(g InstanceGroup) bool { return g.Name == c.Str("name") && g.AccountID == owner.AccountID }); taken {
		a, _ := c.Accounts.Any(owner.AccountID)
		return nil, Invalid("Unable to create vm group, a group with name %s already exists for account %s", c.Str("name"), accountText(a))
	}
	g, _ := c.InstanceGroups.Get(c.instanceGroup(owner, c.Str("name")))
	c.Made(g.ID)
	return Obj{"instancegroup": c.instanceGroupResponse(g)}, nil
}

func listInstanceGroups(c *Call) (any, error) {
	rows, err := Visible(c, c.InstanceGroups.Where(func(g InstanceGroup) bool { return c.named(g.ID, g.Name) }))
	if err != nil {
		return nil, err
	}
	return Listing("instancegroup", rows, c.instanceGroupResponse), nil
}

func deleteInstanceGroup(c *Call) (any, error) {
	g, ok := c.InstanceGroups.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("unable to find a vm group with id %s", c.Str("id"))
	}
	if err := c.Own(g.Owner); err != nil {
		return nil, err
	}
	for v := range c.VMs.All() {
		if v.GroupID == g.ID {
			v.GroupID = ""
			c.VMs.Put(v)
		}
	}
	c.InstanceGroups.Delete(g.ID)
	c.Made(g.ID)
	return Success(), nil
}

func (c *Call) userDataResponse(u UserDataEntry) Obj {
	o := Obj{"id": u.ID, "name": u.Name, "userdata": u.Data, "hasannotations": false}
	c.putOwner(o, u.Owner)
	return o.Opt("params", u.Params)
}

func registerUserData(c *Call) (any, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return nil, err
	}
	data, err := cleanUserData(c.Str("userdata"))
	if err != nil {
		return nil, err
	}
	for u := range c.UserData.All() {
		switch {
		case u.AccountID != owner.AccountID:
		case u.Name == c.Str("name"):
			return nil, Invalid("A userdata with name %s already exists for this account.", u.Name)
		case u.Data == data:
			return nil, Invalid("Userdata %s with same content already exists for this account.", u.Name)
		}
	}
	u := UserDataEntry{Base: c.UserData.NewBase(), Owner: owner, Name: c.Str("name"), Data: data, Params: c.Str("params")}
	c.UserData.Put(u)
	c.Made(u.ID)
	return Obj{"userdata": c.userDataResponse(u)}, nil
}

func listUserData(c *Call) (any, error) {
	rows, err := Visible(c, c.UserData.Where(func(u UserDataEntry) bool { return c.named(u.ID, u.Name) }))
	if err != nil {
		return nil, err
	}
	return Listing("userdata", rows, c.userDataResponse), nil
}

func deleteUserData(c *Call) (any, error) {
	u, ok := c.UserData.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("unable to find userdata with id %s", c.Str("id"))
	}
	if err := c.Own(u.Owner); err != nil {
		return nil, err
	}
	if _, used := c.VMs.Find(func(v VM) bool { return v.UserDataID == u.ID }); used {
		return nil, Internal("Userdata %s cannot be removed as it is being used by some VMs", u.Name)
	}
	if _, used := c.Templates.Find(func(t Template) bool { return t.UserDataID == u.ID }); used {
		return nil, Internal("Userdata %s cannot be removed as it is linked to active template/templates", u.Name)
	}
	c.UserData.Delete(u.ID)
	c.Made(u.ID)
	return Success(), nil
}

// userDataPolicies say what a template's user data does with that of a machine.
var userDataPolicies = []string{"ALLOWOVERRIDE", "APPEND", "DENYOVERRIDE"}

// linkUserData makes registered user data that of a template's machines; without an id the link goes.
func linkUserData(c *Call) (any, error) {
	id := c.Or("templateid", c.Str("isoid"))
	t, ok := c.Templates.Get(id)
	if !ok {
		return nil, Invalid("unable to find template/ISO with specified id")
	}
	if err := c.Own(t.Owner); err != nil {
		return nil, err
	}
	policy := strings.ToUpper(c.Or("userdatapolicy", userDataPolicies[0]))
	if !slices.Contains(userDataPolicies, policy) {
		return nil, BadParam("No enum constant com.cloud.user.UserData.UserDataOverridePolicy.%s", policy)
	}
	t.UserDataID, t.UserDataName, t.UserDataPolicy = "", "", ""
	if u, ok := c.UserData.Get(c.Str("userdataid")); ok {
		if err := c.Own(u.Owner); err != nil {
			return nil, err
		}
		t.UserDataID, t.UserDataName, t.UserDataPolicy = u.ID, u.Name, policy
	}
	c.Templates.Put(t)
	c.Made(t.ID)
	return Obj{"template": c.templateResponse(t)}, nil
}
