package yamlbody

import (
	"math/big"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v4"

	"github.com/moldctl/moldctl/core/diag"
)

// rawTag switches templates off for one text.
const rawTag = "!raw"

// The plain scalars that are numbers by YAML's core schema, and those that only
// look like one and would surprise in one way or the other.
var (
	decimal    = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	based      = regexp.MustCompile(`^0(o[0-7]+|x[0-9a-fA-F]+)$`)
	padded     = regexp.MustCompile(`^[-+]?0[0-9]+$`)
	underscore = regexp.MustCompile(`^[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?$`)
	infinite   = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	trailing   = regexp.MustCompile(`^[-+]?[0-9]+\.[0-9]*0$`)
)

// isText reports whether a scalar is a text.
func isText(n *yaml.Node) bool {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 || n.Tag == rawTag {
		return true
	}
	_, problem, special := constant(n.Value)
	return !special && problem == ""
}

// constant resolves a plain scalar that is no text. A problem says why it is
// refused.
func constant(s string) (v cty.Value, problem string, special bool) {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return cty.NullVal(cty.DynamicPseudoType), "", true
	case "true", "True", "TRUE":
		return cty.True, "", true
	case "false", "False", "FALSE":
		return cty.False, "", true
	}
	switch {
	case padded.MatchString(s):
		return cty.NilVal, "Other programs read leading zeros in different ways.", false
	case underscore.MatchString(s):
		return cty.NilVal, "Underscores in numbers mean different things to different programs.", false
	case infinite.MatchString(s):
		return cty.NilVal, "Infinity and not-a-number are no values of the stack language.", false
	case trailing.MatchString(s):
		return cty.NilVal, "As a number it would lose the zero at its end.", false
	case based.MatchString(s):
		n, _ := new(big.Int).SetString(s, 0) // the pattern matches what it reads
		return cty.NumberVal(new(big.Float).SetInt(n)), "", true
	case decimal.MatchString(s):
		n, err := cty.ParseNumberVal(strings.TrimSuffix(s, "."))
		if err != nil {
			return cty.NilVal, "The number is out of range.", false
		}
		return n, "", true
	}
	return cty.NilVal, "", false
}

// ambiguous makes the diagnostic for a scalar that only looks like a number.
func ambiguous(n *yaml.Node, problem string, at hcl.Range) *hcl.Diagnostic {
	return diag.Errorf(at.Ptr(), "Ambiguous scalar", "%s If a text is meant, put it in quotes: \"%s\". If a number is meant, write it plainly.", problem, n.Value)
}
