package cloudsim

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
)

// certCommands are certificates for load balancer rules that end TLS on the router.
var certCommands = map[string]command{
	"uploadSslCert":              {run: uploadCert},
	"deleteSslCert":              {run: deleteCert, id: kindSSLCert},
	"listSslCerts":               {run: listCerts},
	"assignCertToLoadBalancer":   {start: startCertOfRule, job: assignCertJob, queue: lbQueue, event: "LB.CERT.ASSIGN"},
	"removeCertFromLoadBalancer": {start: startCertOfRule, job: removeCertJob, queue: lbQueue, event: "LB.CERT.REMOVE"},
}

func uploadCert(c *Call) (any, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return nil, err
	}
	cert := SSLCert{Owner: owner, Name: c.Str("name"), Certificate: c.Str("certificate"), Chain: c.Str("certchain"), Key: c.Str("privatekey")}
	leaf, err := leafOf(cert.Certificate)
	if err != nil {
		return nil, &APIError{HTTP: 530, CS: csServer} // the original gives no text
	}
	if _, err := cert.keyPair(); err != nil {
		return nil, Fail(530, csServer, "Bad public-private key")
	}
	cert.Fingerprint = fingerprint(leaf)
	cert.Base = c.SSLCerts.NewBase()
	c.SSLCerts.Put(cert)
	c.Made(cert.ID)
	return Obj{"sslcert": c.certResponse(cert)}, nil
}

func leafOf(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("no PEM block")
	}
	return x509.ParseCertificate(block.Bytes)
}

func fingerprint(leaf *x509.Certificate) string {
	sum := sha256.Sum256(leaf.Raw)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// keyPair is the certificate as a TLS server uses it.
func (s SSLCert) keyPair() (tls.Certificate, error) {
	return tls.X509KeyPair([]byte(strings.TrimRight(s.Certificate, "\n")+"\n"+s.Chain), []byte(s.Key))
}

func deleteCert(c *Call) (any, error) {
	cert, ok := c.SSLCerts.Get(c.Str("id"))
	if !ok {
		return nil, errNoEntity(c.Label(), "id", c.Str("id"))
	}
	if err := c.Own(cert.Owner); err != nil {
		return nil, err
	}
	names := ""
	for _, r := range c.rulesWithCert(cert.ID) {
		names += r.Name + " "
	}
	if names != "" {
		return nil, Fail(530, 0, "Certificate in use by a loadbalancer(s) %s", names)
	}
	c.SSLCerts.Delete(cert.ID)
	c.Made(cert.ID)
	return Success(), nil
}

func (c *Call) rulesWithCert(id string) []LBRule {
	return c.LBRules.Where(func(r LBRule) bool { return r.SSLCertID == id })
}

func listCerts(c *Call) (any, error) {
	if !c.Has("certid") && !c.Has("accountid") && !c.Has("lbruleid") && !c.Has("projectid") {
		return nil, Invalid("Invalid parameters either certificate ID or Account ID or Loadbalancer ID or Project ID required")
	}
	rows := c.SSLCerts.Where(func(s SSLCert) bool {
		if rule := c.Str("lbruleid"); rule != "" && !slices.ContainsFunc(c.rulesWithCert(s.ID), func(r LBRule) bool { return r.ID == rule }) {
			return false
		}
		return c.is("certid", s.ID) && c.is("accountid", s.AccountID) && c.is("projectid", s.ProjectID) && c.Own(s.Owner) == nil
	})
	return Listing("sslcert", rows, c.certResponse), nil
}

// certResponse never shows the key.
func (c *Call) certResponse(s SSLCert) Obj {
	o := Obj{"id": s.ID, "name": s.Name, "certificate": s.Certificate, "fingerprint": s.Fingerprint}
	c.putOwner(o, s.Owner)
	delete(o, "domainpath")
	if rules := c.rulesWithCert(s.ID); len(rules) > 0 {
		ids := make([]string, len(rules))
		for i, r := range rules {
			ids[i] = r.ID
		}
		o["loadbalancerrulelist"] = ids
	}
	return o.Opt("certchain", s.Chain)
}

func startCertOfRule(c *Call) (string, error) {
	r, ok := c.LBRules.Get(c.Str("lbruleid"))
	if !ok {
		return "", errNoEntity(c.Label(), "lbruleid", c.Str("lbruleid"))
	}
	return r.ID, c.Own(r.Owner)
}

func assignCertJob(c *Call) (Obj, error) {
	r, err := c.ruleOfJob()
	if err != nil {
		return nil, err
	}
	cert, ok := c.SSLCerts.Get(c.Str("certid"))
	if !ok {
		return nil, Invalid("Invalid certificate id: %s", c.Str("certid"))
	}
	if cert.AccountID != r.AccountID {
		account, _ := c.Accounts.Any(cert.AccountID)
		return nil, Invalid("Access denied for account %d", account.N)
	}
	if r.SSLCertID != "" && !c.Bool("forced", false) {
		return nil, Invalid("Another certificate is already bound to the LB")
	}
	if r.Protocol != "ssl" {
		return nil, Invalid("Bad LB protocol: Expected ssl got %s", valueOr(r.Protocol, "null"))
	}
	r.SSLCertID = cert.ID
	if err := c.loadable(r); err != nil {
		return nil, Internal("Failed to apply Ssl LB config")
	}
	c.LBRules.Put(r)
	c.NetworkChanged(r.NetworkID)
	return Success(), nil
}

func removeCertJob(c *Call) (Obj, error) {
	r, err := c.ruleOfJob()
	if err != nil {
		return nil, err
	}
	if r.SSLCertID == "" {
		return nil, Invalid("No certificate is bound to lb with id: %d", r.N)
	}
	r.SSLCertID = ""
	c.LBRules.Put(r)
	c.NetworkChanged(r.NetworkID)
	return Success(), nil
}
