package pluginspec

import (
	"testing"

	"github.com/zclconf/go-cty/cty"
)

func TestActionArguments(t *testing.T) {
	t.Parallel()
	one := 1.0
	action := &Action{Name: "stop", Arguments: []*Attribute{
		{Name: "forced", Type: cty.Bool}, {Name: "after", Type: cty.Number, Min: &one}, {Name: "why", Type: cty.String, Required: true, Doc: "The reason."},
	}}
	tests := map[string]struct {
		given map[string]string
		fail  string
	}{
		"all":           {map[string]string{"forced": "true", "after": "5", "why": "x"}, ""},
		"only required": {map[string]string{"why": "x"}, ""},
		"missing":       {nil, `the action stop needs the argument "why": The reason.`},
		"unknown":       {map[string]string{"why": "x", "forcd": "true"}, `the action stop has no argument "forcd". Did you mean "forced"?`},
		"another type":  {map[string]string{"why": "x", "forced": "perhaps"}, `argument "forced" of the action stop: "perhaps" is no bool`},
		"beyond limits": {map[string]string{"why": "x", "after": "0"}, `the action stop: 0 is too small: "after" is at least 1.`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := action.Parse(test.given)
			if test.fail != "" {
				if err == nil || err.Error() != test.fail {
					t.Errorf("error %v, want %s", err, test.fail)
				}
				return
			}
			if err != nil || v.GetAttr("why").AsString() != "x" || v.GetAttr("forced").IsNull() != (test.given["forced"] == "") {
				t.Errorf("value %#v, error %v", v, err)
			}
		})
	}
}
