package cloudsim

import (
	"errors"
	"fmt"

	"github.com/moldctl/moldctl/internal/cloudsim/apitable"
)

// APIError is a refusal as the API gives it: HTTP status and errorcode, cserrorcode and text. In a job's result only
// the code and the text appear.
type APIError struct {
	HTTP   int
	CS     int // cserrorcode; absent from the answer if negative
	Text   string
	UUIDs  []UUIDProxy
	NoText bool // answer without X-Description header
}

// UUIDProxy is an element of an error's uuidList.
type UUIDProxy struct {
	UUID        string `json:"uuid"`
	Description string `json:"description"`
}

func (e *APIError) Error() string { return e.Text }

// The codes of CloudStack's exceptions.
const (
	csRuntime      = 4250
	csRuleConflict = 4360
	csInvalid      = 4350
	csPermission   = 4365
	csServer       = 9999
	csLimit        = 4370
	csAbsent       = -1
)

// Fail makes an error of any code.
func Fail(http, cs int, format string, args ...any) *APIError {
	return &APIError{HTTP: http, CS: cs, Text: fmt.Sprintf(format, args...)}
}

// Invalid is InvalidParameterValueException: 431/4350.
func Invalid(format string, args ...any) *APIError { return Fail(431, csInvalid, format, args...) }

// BadParam is ServerApiException with PARAM_ERROR: 431/9999.
func BadParam(format string, args ...any) *APIError { return Fail(431, csServer, format, args...) }

// Denied is PermissionDeniedException: 531/4365.
func Denied(format string, args ...any) *APIError { return Fail(531, csPermission, format, args...) }

// Internal is CloudRuntimeException: 530/4250.
func Internal(format string, args ...any) *APIError { return Fail(530, csRuntime, format, args...) }

// RuleConflict is NetworkRuleConflictException: 537/4360.
func RuleConflict(format string, args ...any) *APIError {
	return Fail(537, csRuleConflict, format, args...)
}

// errNoPermission is what an entity of another account answers to all commands but lists.
func errNoPermission() *APIError {
	return Denied("Caller does not have permission to operate with provided resource.")
}

// asAPIError turns any error into one the API can give; an unexpected one is a 530, as an unexpected exception is.
func asAPIError(err error) *APIError {
	var api *APIError
	if errors.As(err, &api) {
		return api
	}
	return Internal("%s", err.Error())
}

// errMissing is the refusal of a call without a required parameter.
func errMissing(command, param string) *APIError {
	return BadParam("Unable to execute API command %s due to missing parameter %s", command, param)
}

// errEmpty is the refusal of a required parameter without a value.
func errEmpty(command string, param apitable.Param) *APIError {
	if param.Type == apitable.String || param.Type == apitable.UUID {
		return BadParam("Unable to execute API command %s due to invalid value. Invalid value provided for API arg: %s", command, param.Name)
	}
	return errMissing(command, param.Name)
}

// errNoEntity is the refusal of an id that names nothing, or something of another kind.
func errNoEntity(command, param, value string) *APIError {
	return BadParam("Unable to execute API command %s due to invalid value. Invalid parameter %s value=%s due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.", command, param, value)
}
