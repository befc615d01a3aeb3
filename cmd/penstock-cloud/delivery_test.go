//go:build interop

package main

import (
	"fmt"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/penstock-edge/penstock/sync/wire"
)

// numbered publishes a block under a number; nothing below oldest is still to come.
func (l *link) numbered(seq, oldest int) {
	now := time.Now().Truncate(time.Second)
	text, err := wire.NewEncoder(wire.Fastest).AppendBlock(nil, plant, between(now.Add(time.Duration(seq-3600)*time.Second), now.Add(time.Duration(seq-3595)*time.Second), time.Second))
	if err != nil {
		l.s.t.Error(err)
		return
	}
	l.publish("block", text, paho.UserProperty{Key: wire.PropEpoch, Value: "E1"}, paho.UserProperty{Key: wire.PropSeq, Value: fmt.Sprint(seq)},
		paho.UserProperty{Key: wire.PropOldest, Value: fmt.Sprint(oldest)})
}

func (l *link) loses(list ...wire.Loss) {
	text, err := wire.EncodeDeclaration(wire.Declaration{Losses: list})
	if err != nil {
		l.s.t.Error(err)
		return
	}
	l.publish("loss", text)
}

// deliveries looks at a gateway after an outage: first all is there, then much is to come, some was lost, and in the end it is all accounted for.
func (b *browser) deliveries(s *shell) {
	b.t.Helper()
	l := s.gateway("south-pumps", plantDevices()...)
	for seq := 1; seq <= 20; seq++ {
		l.numbered(seq, seq)
	}
	b.open("/gateways/south-pumps/delivery")
	b.until("all is here", "document.querySelector('#delivery h2').innerText.includes('all here')")
	b.looks("delivery-here")
	l.numbered(1460, 1200)
	b.until("much is to come, without a reload", "document.querySelector('#delivery h2').innerText.includes('not explained')")
	l.loses(wire.Loss{Epoch: "E1", From: 21, To: 1170, Samples: 40_250, Reason: wire.LossEvicted, Class: "normal"},
		wire.Loss{Epoch: "E1", From: 1171, To: 1171, Samples: 35, Reason: wire.LossDamaged, Class: "alarm"},
		wire.Loss{Epoch: "E1", From: 1172, To: 1199, Samples: 712, Reason: wire.LossEvicted, Class: "keep"},
		wire.Loss{Epoch: "E1", From: 1200, To: 1460, Samples: 9_135, Reason: wire.LossDownsampled, Class: "normal"})
	b.until("what is to come and what is lost", "document.querySelector('#delivery h2').innerText.includes('260 blocks to come') && document.querySelectorAll('#delivery tbody tr').length === 5")
	b.looks("delivery-waiting")
	b.picture("readme-delivery", 560)
	b.open("/gateways/south-pumps")
	b.looks("gateway-waiting")
	b.open("/")
	b.until("the fleet says so", "document.body.innerText.includes('260 blocks to come')")
	b.looks("fleet-waiting")
	for seq := 1200; seq < 1460; seq++ {
		l.numbered(seq, seq)
	}
	b.open("/gateways/south-pumps/delivery")
	b.until("the losses are all that is missing", "document.querySelector('#delivery h2').innerText.includes('here, with losses declared')")
	b.looks("delivery-losses")
	l.close()
}
