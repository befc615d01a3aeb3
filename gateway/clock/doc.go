// Package clock knows whether the machine's wall clock is to be believed, and what the time was when it was not.
//
// The time since boot is true whatever somebody sets the wall clock to. So a sample is taken at a time since boot, and what has to be known is
// one number: by how much the wall clock, when right, is ahead of it. This room watches that number, says which samples are in
// doubt, and gives the verdict that ends a doubt. It knows neither buffer nor cloud; gateway joins it to both.
package clock
