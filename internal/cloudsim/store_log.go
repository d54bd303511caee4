package cloudsim

import (
	"encoding/json"
	"time"
)

// Tag is a key and value on a resource.
type Tag struct {
	Base
	Owner
	Key          string `json:"key"`
	Value        string `json:"value"`
	ResourceType string `json:"resourcetype"` // UserVm, Network, …
	ResourceID   string `json:"resourceid"`
}

// Event is one line of the cloud's history.
type Event struct {
	Base
	Owner
	Type         string `json:"type"`
	Level        string `json:"level"`
	State        string `json:"state"` // Created, Scheduled, Started, Completed
	Description  string `json:"description"`
	Username     string `json:"username"`
	ResourceID   string `json:"resourceid,omitempty"`
	ResourceType string `json:"resourcetype,omitempty"`
	ResourceName string `json:"resourcename,omitempty"`
	ParentID     string `json:"parentid,omitempty"`
	Archived     bool   `json:"archived,omitempty"`
}

// Job states of the API.
const (
	JobPending   = 0
	JobSucceeded = 1
	JobFailed    = 2
)

// Job is an asynchronous command as data: enough to run it again after the cloud was killed.
type Job struct {
	Base
	Owner
	UserID     string            `json:"userid"`
	Command    string            `json:"command"`
	Params     map[string]string `json:"params"`
	EntityID   string            `json:"entityid,omitempty"`  // the entity made or named by the call
	Instance   string            `json:"instance,omitempty"`  // jobinstancetype
	Queue      string            `json:"queue,omitempty"`     // jobs of one queue run one after the other
	Data       map[string]string `json:"data,omitempty"`      // what the body has noted, for a second run
	Address    string            `json:"address,omitempty"`   // the public address it locks
	Contended  bool              `json:"contended,omitempty"` // another job held that lock when it was made
	Status     int               `json:"status"`
	ResultCode int               `json:"resultcode"`
	Result     json.RawMessage   `json:"result,omitempty"`
	Completed  *time.Time        `json:"completed,omitempty"`
	Fault      *JobFault         `json:"fault,omitempty"`
	AuditID    string            `json:"auditid,omitempty"`
	EventID    string            `json:"eventid,omitempty"` // its first event
}

// JobFault makes a job fail with this answer, or never end.
type JobFault struct {
	Hang bool   `json:"hang,omitempty"`
	Code int    `json:"code,omitempty"`
	Text string `json:"text,omitempty"`
}

// AuditEntry records one mutating call. Secrets in Params are masked.
type AuditEntry struct {
	Base
	Account   string            `json:"account"`
	Command   string            `json:"command"`
	Params    map[string]string `json:"params"`
	Status    int               `json:"status"` // HTTP status of the call
	ErrorText string            `json:"errortext,omitempty"`
	EntityID  string            `json:"entityid,omitempty"`
	JobID     string            `json:"jobid,omitempty"`
	JobStatus int               `json:"jobstatus"` // of the job, once it has ended
	JobText   string            `json:"jobtext,omitempty"`
	Lost      bool              `json:"lost,omitempty"` // a fault kept the answer from the client
}
