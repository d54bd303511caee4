resource "configuration" "expunge" {
  name  = "expunge.delay"
  value = "3600"
}
