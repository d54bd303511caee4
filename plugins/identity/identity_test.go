package identity_test

import (
	"testing"

	"github.com/moldctl/moldctl/plugins/identity"
	"github.com/moldctl/moldctl/sdk/sdktest"
)

func TestServes(t *testing.T) {
	t.Parallel()
	sdktest.Serves(t, identity.Plugin)
}

func TestFitsTheAPI(t *testing.T) {
	t.Parallel()
	sdktest.FitsTheAPI(t, identity.Plugin)
}

func TestExamples(t *testing.T) {
	t.Parallel()
	sdktest.Examples(t, identity.Plugin)
}
