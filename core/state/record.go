package state

import (
	"encoding/json"
	"fmt"
	"time"
)

// The records below are the form of things in the file. They are apart from
// the types of this package so that renaming a field cannot change the format.

// objectRow is a row of the table objects (and, as it was, of history).
type objectRow struct {
	key     Key
	typ     string
	status  string
	id      string
	cloud   string
	info    []byte
	data    []byte
	sealed  bool
	private []byte
	pending []byte
}

// objectInfo is the readable part of a row beyond its columns.
type objectInfo struct {
	Lookups          map[string]Lookup `json:"lookups,omitempty"`
	DependsOn        []string          `json:"depends_on,omitempty"`
	Plugin           string            `json:"plugin,omitempty"`
	PluginVersion    string            `json:"plugin_version,omitempty"`
	SchemaVersion    int               `json:"schema,omitempty"`
	SensitivePaths   []string          `json:"sensitive,omitempty"`
	Prints           map[string]string `json:"prints,omitempty"`
	PreventDestroy   bool              `json:"prevent_destroy,omitempty"`
	RetainOnDestroy  bool              `json:"retain_on_destroy,omitempty"`
	CreateBefore     bool              `json:"create_before,omitempty"`
	Timeouts         map[string]string `json:"timeouts,omitempty"`
	PendingAction    string            `json:"pending_action,omitempty"`
	UpdatedAt        time.Time         `json:"updated_at,omitzero"`
	CreatedOperation string            `json:"created_operation,omitempty"`
}

func infoOf(o *Object) objectInfo {
	return objectInfo{
		Lookups: o.Lookups, DependsOn: o.DependsOn, Plugin: o.Plugin, PluginVersion: o.PluginVersion,
		SchemaVersion: o.SchemaVersion, SensitivePaths: o.SensitivePaths, Prints: o.Prints, PreventDestroy: o.PreventDestroy,
		RetainOnDestroy: o.RetainOnDestroy, CreateBefore: o.CreateBefore, Timeouts: o.Timeouts,
		PendingAction: o.PendingAction, UpdatedAt: o.UpdatedAt, CreatedOperation: o.CreatedOperation,
	}
}

func (i objectInfo) fill(o *Object) {
	o.Lookups, o.DependsOn, o.Plugin, o.PluginVersion = i.Lookups, i.DependsOn, i.Plugin, i.PluginVersion
	o.SchemaVersion, o.SensitivePaths, o.PreventDestroy = i.SchemaVersion, i.SensitivePaths, i.PreventDestroy
	o.Prints = i.Prints
	o.RetainOnDestroy, o.CreateBefore, o.Timeouts = i.RetainOnDestroy, i.CreateBefore, i.Timeouts
	o.PendingAction, o.UpdatedAt, o.CreatedOperation = i.PendingAction, i.UpdatedAt, i.CreatedOperation
}

// objectRecord is an object whole, as it lies sealed in a journal entry.
type objectRecord struct {
	Addr    string       `json:"addr"`
	Deposed string       `json:"deposed,omitempty"`
	Type    string       `json:"type"`
	Status  Status       `json:"status,omitempty"`
	ID      string       `json:"id,omitempty"`
	Cloud   string       `json:"cloud,omitempty"`
	Info    objectInfo   `json:"info"`
	Values  blob         `json:"values,omitzero"`
	Private blob         `json:"private,omitzero"`
	Pending []callRecord `json:"pending,omitempty"`
}

func recordObject(o *Object) *objectRecord {
	if o == nil {
		return nil
	}
	return &objectRecord{
		Addr: o.Addr, Deposed: o.Deposed, Type: o.Type, Status: o.Status, ID: o.ID, Cloud: o.Cloud,
		Info: infoOf(o), Values: o.Values, Private: o.Private, Pending: recordCalls(o.Pending),
	}
}

func (r *objectRecord) object() *Object {
	if r == nil {
		return nil
	}
	o := &Object{
		Key: Key{r.Addr, r.Deposed}, Type: r.Type, Status: r.Status, ID: r.ID, Cloud: r.Cloud,
		Values: r.Values, Private: r.Private, Pending: calls(r.Pending),
	}
	r.Info.fill(o)
	return o
}

type callRecord struct {
	Key        string    `json:"key"`
	Command    string    `json:"command,omitempty"`
	Identity   blob      `json:"identity,omitzero"`
	ID         string    `json:"id,omitempty"`
	Job        string    `json:"job,omitempty"`
	State      CallState `json:"state"`
	SentAt     time.Time `json:"sent_at,omitzero"`
	Private    blob      `json:"private,omitzero"`
	Candidates []string  `json:"candidates,omitempty"`
	Request    blob      `json:"request,omitzero"`
}

func recordCalls(list []Call) []callRecord {
	var out []callRecord
	for _, c := range list {
		out = append(out, callRecord{c.Key, c.Command, c.Identity, c.ID, c.Job, c.State, c.SentAt, c.Private, c.Candidates, c.Request})
	}
	return out
}

func calls(list []callRecord) []Call {
	var out []Call
	for _, c := range list {
		out = append(out, Call{c.Key, c.Command, c.Identity, c.ID, c.Job, c.State, c.SentAt, c.Private, c.Candidates, c.Request})
	}
	return out
}

// operationRecord is an operation as its journal entry "begin" holds it.
type operationRecord struct {
	Addr    string        `json:"addr"`
	Deposed string        `json:"deposed,omitempty"`
	Action  string        `json:"action"`
	Type    string        `json:"type"`
	Cloud   string        `json:"cloud,omitempty"`
	Started time.Time     `json:"started,omitzero"`
	Planned blob          `json:"planned,omitzero"`
	Object  *objectRecord `json:"object,omitempty"`
	Calls   []callRecord  `json:"calls,omitempty"`
}

func recordOperation(o Operation) operationRecord {
	return operationRecord{
		Addr: o.Key.Addr, Deposed: o.Key.Deposed, Action: o.Action, Type: o.Type, Cloud: o.Cloud,
		Started: o.Started, Planned: o.Planned, Object: recordObject(o.Object), Calls: recordCalls(o.Calls),
	}
}

func (r operationRecord) operation(id string) *Operation {
	return &Operation{
		ID: id, Key: Key{r.Addr, r.Deposed}, Action: r.Action, Type: r.Type, Cloud: r.Cloud,
		Started: r.Started, Planned: r.Planned, Object: r.Object.object(), Calls: calls(r.Calls),
	}
}

type bindingRecord struct {
	Endpoint  string `json:"endpoint,omitempty"`
	ZoneID    string `json:"zone_id,omitempty"`
	DomainID  string `json:"domain_id,omitempty"`
	AccountID string `json:"account_id,omitempty"`
	ProjectID string `json:"project_id,omitempty"`
	Embedded  bool   `json:"embedded,omitempty"`
}

func recordBinding(b Binding) bindingRecord {
	return bindingRecord{b.Endpoint, b.ZoneID, b.DomainID, b.AccountID, b.ProjectID, b.Embedded}
}

func (r bindingRecord) binding(alias string) Binding {
	return Binding{alias, r.Endpoint, r.ZoneID, r.DomainID, r.AccountID, r.ProjectID, r.Embedded}
}

// blob is bytes that usually are JSON text: kept as a JSON string then, which
// is shorter than base64, and as base64 in an array otherwise.
type blob []byte

// IsZero tells omitzero that the bytes are absent; empty bytes are not.
func (b blob) IsZero() bool { return b == nil }

// MarshalJSON implements json.Marshaler.
func (b blob) MarshalJSON() ([]byte, error) {
	if text := string(b); json.Valid(b) {
		return json.Marshal(text)
	}
	return json.Marshal([][]byte{b})
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *blob) UnmarshalJSON(src []byte) error {
	var text string
	if json.Unmarshal(src, &text) == nil {
		*b = blob(text)
		return nil
	}
	var raw [][]byte
	if err := json.Unmarshal(src, &raw); err != nil {
		return err
	}
	if len(raw) != 1 {
		return fmt.Errorf("%d byte strings where one belongs", len(raw))
	}
	*b = raw[0]
	return nil
}

// rowOf seals an object into its row.
func (s *sealer) rowOf(key Key, o *Object) (*objectRow, error) {
	row := &objectRow{
		key: key, typ: o.Type, status: string(o.Status), id: o.ID, cloud: o.Cloud,
		data: o.Values, sealed: len(o.SensitivePaths) > 0,
	}
	var err error
	if row.info, err = json.Marshal(infoOf(o)); err != nil {
		return nil, err
	}
	if row.sealed {
		if row.data, err = s.object(o.Values, key, "values"); err != nil {
			return nil, err
		}
	}
	if row.private, err = s.object(o.Private, key, "private"); err != nil {
		return nil, err
	}
	if o.Pending != nil {
		text, err := json.Marshal(recordCalls(o.Pending))
		if err != nil {
			return nil, err
		}
		if row.pending, err = s.object(text, key, "pending"); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// objectOf is the inverse of rowOf.
func (s *sealer) objectOf(row *objectRow) (*Object, error) {
	o := &Object{
		Key: row.key, Type: row.typ, Status: Status(row.status), ID: row.id, Cloud: row.cloud, Values: row.data,
	}
	var info objectInfo
	if err := json.Unmarshal(row.info, &info); err != nil {
		return nil, fmt.Errorf("info of %s: %w", row.key.Addr, err)
	}
	info.fill(o)
	var err error
	if row.sealed {
		if o.Values, err = s.openObject(row.data, row.key, "values"); err != nil {
			return nil, err
		}
	}
	if o.Private, err = s.openObject(row.private, row.key, "private"); err != nil {
		return nil, err
	}
	if row.pending != nil {
		text, err := s.openObject(row.pending, row.key, "pending")
		if err != nil {
			return nil, err
		}
		var pending []callRecord
		if err := json.Unmarshal(text, &pending); err != nil {
			return nil, fmt.Errorf("pending of %s: %w", row.key.Addr, err)
		}
		o.Pending = calls(pending)
	}
	return o, nil
}
