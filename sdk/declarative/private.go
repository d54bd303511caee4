package declarative

import (
	"encoding/json"
	"fmt"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// private is what the runtime keeps with an object beside its attributes.
type private struct {
	// Owner is who made or last saw the object: absence in a listing proves
	// something only to the same caller.
	Owner *owner `json:"owner,omitempty"`
	// Children maps blocks to the ids of their items by item key. Only these
	// are ours; whatever else the parent has belongs to others.
	Children map[string]map[string]string `json:"children,omitempty"`
	// Lease is what tells an id that was given back and handed out anew from
	// ours (public addresses keep their ids).
	Lease string `json:"lease,omitempty"`
}

// owner is a caller as far as it decides what is visible.
type owner struct {
	Domain  string `json:"domain,omitempty"`
	Account string `json:"account,omitempty"`
	Project string `json:"project,omitempty"`
}

func ownerOf(id cloudstack.CallerIdentity) *owner {
	return &owner{Domain: id.DomainID, Account: id.AccountID, Project: id.ProjectID}
}

func parsePrivate(data []byte) (private, error) {
	var p private
	if len(data) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return p, fmt.Errorf("not written by this version: %w", err)
	}
	return p, nil
}

// encode never fails: the fields are maps of text.
func (p private) encode() []byte {
	data, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Sprintf("encode private data: %v", err))
	}
	return data
}

func (p *private) setChild(block, key, id string) {
	if p.Children == nil {
		p.Children = map[string]map[string]string{}
	}
	if p.Children[block] == nil {
		p.Children[block] = map[string]string{}
	}
	p.Children[block][key] = id
}

func (p *private) dropChild(block, key string) { delete(p.Children[block], key) }
