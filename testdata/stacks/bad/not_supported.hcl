stack "a" {
  state {
  }
}
module "m" {
  source = "./m"
}
check "c" {
}
moved {
}
import {
}
removed {
}
