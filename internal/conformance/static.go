package conformance

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/sdk/apitable"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

var semantic = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)

// lint judges the plugin.yaml as a whole.
func (k *kit) lint() {
	table, err := apitable.Load()
	if err != nil {
		k.judge(LintClean, "", "", err)
		return
	}
	var wrong, silent hcl.Diagnostics
	for _, d := range pluginspec.Lint(k.spec, table) {
		if d.Severity == hcl.DiagError {
			wrong = append(wrong, d)
		} else if d.Summary == pluginspec.Undocumented {
			silent = append(silent, d)
		}
	}
	k.judge(LintClean, "", "", said(wrong))
	k.judge(Documented, "", "", said(silent))
	if !semantic.MatchString(k.spec.Version) {
		k.judge(VersionSemantic, "", "", fmt.Errorf("%q is not", k.spec.Version))
		return
	}
	k.judge(VersionSemantic, "", "", nil)
}

// secret finds names of attributes that hold secrets.
var secret = regexp.MustCompile(`(^|_)(password|secret|token|private_key|passphrase|psk)$`)

// describe judges what is written of one type.
func (k *kit) describe(t *pluginspec.Type) {
	var unshown, limits, bare []error
	for path, a := range t.All() {
		if a.Unshown() {
			unshown = append(unshown, fmt.Errorf("%s has neither an example nor values to choose from", path))
		}
		if secret.MatchString(a.Name) && !a.Sensitive {
			bare = append(bare, fmt.Errorf("%s is not sensitive", path))
		}
		if err := ownDefault(t, a); err != nil {
			limits = append(limits, fmt.Errorf("%s: %w", path, err))
		}
	}
	k.judge(RequiredShown, t.Name, "", errors.Join(unshown...))
	k.judge(SecretsMarked, t.Name, "", errors.Join(bare...))
	k.judge(DefaultsAllowed, t.Name, "", errors.Join(limits...))
	var nothing error
	if t.Identity == nil && t.Create != nil && len(t.Create.Calls) > 0 {
		nothing = errors.New("there is no identity")
	}
	k.judge(IdentityDeclared, t.Name, "", nothing)
	nothing = nil
	if t.Find == nil {
		nothing = skipf("the type has no find: its objects are imported by id")
	}
	k.judge(Findable, t.Name, "", nothing)
	nothing = nil
	if t.Read != nil && !t.Read.Handler && !t.Read.Batch {
		nothing = errors.New("read is not batch: a refresh of 1,000 objects would take 1,000 calls")
	}
	k.judge(ReadBatched, t.Name, "", nothing)
}

// ownDefault checks the plain default of a top-level attribute against its own
// limits.
func ownDefault(t *pluginspec.Type, a *pluginspec.Attribute) error {
	if a.Default == nil || a.Default.Literal == cty.NilVal || t.Attr(a.Name) != a {
		return nil
	}
	object := map[string]cty.Value{}
	for name, ty := range t.ImpliedType().AttributeTypes() {
		object[name] = cty.NullVal(ty)
	}
	object[a.Name] = a.Default.Literal
	for _, p := range t.Validate(cty.ObjectVal(object)) {
		if strings.HasPrefix(pluginspec.FormatPath(p.Path), a.Name) {
			return errors.New(p.Detail)
		}
	}
	return nil
}

// diagError is the errors of diagnostics as one error.
func diagError(diags hcl.Diagnostics) error {
	if !diags.HasErrors() {
		return nil
	}
	return said(diags)
}

// said is diagnostics as one error, warnings too.
func said(diags hcl.Diagnostics) error {
	if len(diags) == 0 {
		return nil
	}
	return errors.New(saying(diags, nil))
}

func saying(diags hcl.Diagnostics, files map[string]*hcl.File) string {
	var text strings.Builder
	if err := (diag.Printer{Files: files, Width: 120}).Print(&text, diags); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(text.String())
}
