package cloudsim

import "time"

// LBRule is a load balancer rule. Protocol is empty if it was created without one, as the real cloud stores null.
type LBRule struct {
	Base
	Owner
	Name         string     `json:"name"`
	Description  string     `json:"description,omitempty"`
	PublicIPID   string     `json:"publicipid"`
	PublicPort   int        `json:"publicport"`
	PublicEnd    int        `json:"publicend"`
	PrivatePort  int        `json:"privateport"`
	PrivateEnd   int        `json:"privateend"`
	Algorithm    string     `json:"algorithm"`
	Protocol     string     `json:"protocol,omitempty"`
	NetworkID    string     `json:"networkid"`
	ZoneID       string     `json:"zoneid"`
	CIDRs        []string   `json:"cidrs,omitempty"`
	CIDRsUpdated bool       `json:"cidrsupdated,omitempty"` // shown comma-separated after an update, space-separated before
	State        string     `json:"state"`
	Members      []LBMember `json:"members,omitempty"`
	SSLCertID    string     `json:"sslcertid,omitempty"`
	HideDisplay  bool       `json:"hidedisplay,omitempty"`
	RelatedID    string     `json:"relatedid,omitempty"` // the firewall rule opened with it
}

// LBMember is one address of a machine behind a rule.
type LBMember struct {
	VMID      string `json:"vmid"`
	IPAddress string `json:"ipaddress"`
	State     string `json:"state,omitempty"`
}

// StickinessPolicy keeps a client on one member.
type StickinessPolicy struct {
	Base
	LBRuleID    string            `json:"lbruleid"`
	Name        string            `json:"name"`
	Method      string            `json:"method"`
	Description string            `json:"description,omitempty"`
	Params      map[string]string `json:"params,omitempty"`
	State       string            `json:"state"`
	HideDisplay bool              `json:"hidedisplay,omitempty"`
}

// SSLCert is an uploaded certificate with its key (PEM).
type SSLCert struct {
	Base
	Owner
	Name        string `json:"name"`
	Certificate string `json:"certificate"`
	Chain       string `json:"chain,omitempty"`
	Key         string `json:"key"`
	Fingerprint string `json:"fingerprint"`
}

// Counter is something autoscale can measure.
type Counter struct {
	Base
	Name     string `json:"name"`
	Provider string `json:"provider"`
	Source   string `json:"source"`
	Value    string `json:"value"`
}

// Condition compares a counter with a threshold.
type Condition struct {
	Base
	Owner
	CounterID string `json:"counterid"`
	Operator  string `json:"operator"` // EQ GT LT GE LE
	Threshold int64  `json:"threshold"`
}

// AutoScalePolicy scales when all its conditions hold for Duration seconds, then rests for QuietTime seconds.
type AutoScalePolicy struct {
	Base
	Owner
	Name          string    `json:"name,omitempty"`
	Action        string    `json:"action"` // SCALEUP, SCALEDOWN
	Duration      int       `json:"duration"`
	QuietTime     int       `json:"quiettime"`
	ConditionIDs  []string  `json:"conditionids"`
	LastQuietTime time.Time `json:"lastquiettime"`
}

// AutoScaleProfile says what machines a group makes.
type AutoScaleProfile struct {
	Base
	Owner
	ZoneID           string            `json:"zoneid"`
	TemplateID       string            `json:"templateid"`
	OfferingID       string            `json:"offeringid"`
	OtherParams      map[string]string `json:"otherparams,omitempty"`
	CounterParams    map[string]string `json:"counterparams,omitempty"`
	ExpungeGrace     int               `json:"expungegrace"` // seconds
	AutoScaleUserID  string            `json:"autoscaleuserid,omitempty"`
	UserData         string            `json:"userdata,omitempty"`
	UserDataID       string            `json:"userdataid,omitempty"`
	UserDataDetails  string            `json:"userdatadetails,omitempty"`
	HideDisplay      bool              `json:"hidedisplay,omitempty"`
	CustomParameters map[string]string `json:"customparameters,omitempty"`
}

// States of an autoscale group.
const (
	GroupNew      = "NEW"
	GroupEnabled  = "ENABLED"
	GroupScaling  = "SCALING"
	GroupDisabled = "DISABLED"
	GroupRevoke   = "REVOKE"
)

// AutoScaleGroup is a group of machines behind one load balancer rule. Its members are the VMs that name it.
type AutoScaleGroup struct {
	Base
	Owner
	Name               string    `json:"name"`
	LBRuleID           string    `json:"lbruleid"`
	ProfileID          string    `json:"profileid"`
	MinMembers         int       `json:"minmembers"`
	MaxMembers         int       `json:"maxmembers"`
	Interval           int       `json:"interval"` // seconds
	State              string    `json:"state"`
	ScaleUpPolicyIDs   []string  `json:"scaleuppolicyids"`
	ScaleDownPolicyIDs []string  `json:"scaledownpolicyids"`
	NextMember         int       `json:"nextmember"` // the number in the next member's name
	LastInterval       time.Time `json:"lastinterval"`
	HideDisplay        bool      `json:"hidedisplay,omitempty"`
}
