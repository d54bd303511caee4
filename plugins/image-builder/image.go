package imagebuilder

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// Image is an image block with what the cloud adds.
type Image struct {
	ID                  string            `mold:"id"`
	Name                string            `mold:"name"`
	Description         string            `mold:"description"`
	OSType              *string           `mold:"os_type"`
	Pipeline            cty.Value         `mold:"pipeline"`
	Public              bool              `mold:"public"`
	Featured            bool              `mold:"featured"`
	DynamicallyScalable bool              `mold:"dynamically_scalable"`
	RequiresHVM         bool              `mold:"requires_hvm"`
	PasswordEnabled     bool              `mold:"password_enabled"`
	Extractable         bool              `mold:"extractable"`
	Details             map[string]string `mold:"details"`
	Version             int               `mold:"version"`
	TemplateName        string            `mold:"template_name"`
	Fingerprint         string            `mold:"fingerprint"`
	Origins             []string          `mold:"origins"`
	Source              Source            `mold:"source"`
	Connect             *Connect          `mold:"connect"`
	Keep                *Keep             `mold:"keep"`
}

// Source is the machine that is prepared.
type Source struct {
	Template     string  `mold:"template"`
	Offering     string  `mold:"offering"`
	Network      string  `mold:"network"`
	RootDiskSize *int    `mold:"root_disk_size"`
	UserData     *string `mold:"user_data"`
	Wait         *string `mold:"wait"`
}

// Connect says how the machine is reached.
type Connect struct {
	User    *string  `mold:"user"`
	Port    int      `mold:"port"`
	Timeout string   `mold:"timeout"`
	CIDRs   []string `mold:"cidrs"`
}

// Keep says what stays of earlier builds.
type Keep struct {
	Images          int  `mold:"images"`
	SourceSnapshots int  `mold:"source_snapshots"`
	Machine         bool `mold:"machine"`
}

// handler carries out the verbs of image.
type handler struct{}

// kept is what the plugin remembers beside the attributes.
type kept struct {
	Built  int     `json:"built"`            // versions built so far
	Images []built `json:"images,omitempty"` // oldest first
}

// built is one version that exists.
type built struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	Machine string `json:"machine,omitempty"` // origin machine that was kept
}

func open(address string, private []byte) (*kept, error) {
	k := &kept{}
	if len(private) > 0 {
		if err := json.Unmarshal(private, k); err != nil {
			return nil, fmt.Errorf("read what was kept about %s: %w", address, err)
		}
	}
	return k, nil
}

func (k *kept) save(r *sdk.Request) error {
	data, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("keep what is known about %s: %w", r.Address, err)
	}
	r.SetPrivate(data)
	return nil
}

// keep is what stays of earlier builds, also without a keep block.
func (i Image) keep() Keep {
	if i.Keep == nil {
		return Keep{Images: 1}
	}
	return *i.Keep
}

func (i Image) keepsMachine() bool { return i.keep().Machine || i.keep().SourceSnapshots > 0 }

// origins is how many origin machines stay.
func (k Keep) origins() int {
	if k.Machine {
		return max(k.SourceSnapshots, 1)
	}
	return k.SourceSnapshots
}

// fingerprint is a digest of all that the content of the image depends on. While it stays the same nothing is built.
func (i Image) fingerprint(lookups map[string]cloudstack.Object) (string, error) {
	template := i.Source.Template
	if found := lookups["source.template"]; found.ID() != "" {
		template = found.ID()
	}
	digest, err := pipelineDigest(i.Pipeline)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal([]any{"image", 1, digest, template, i.Source.RootDiskSize, i.Source.UserData, i.Details})
	if err != nil {
		return "", fmt.Errorf("digest the image: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// templateName is the name of the template of a version.
func (i Image) templateName(version int) string { return fmt.Sprintf("%s-v%d", i.Name, version) }
