package api

import (
	"net/http"

	"github.com/penstock-edge/penstock/cloud"
)

func (a *api) ledger(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("thing")
	if _, err := a.o.Store.Thing(r.Context(), name); err != nil {
		return err
	}
	ledger, err := a.o.Store.Ledger(r.Context(), name)
	if err != nil {
		return err
	}
	if ledger.Epochs == nil {
		ledger.Epochs = []cloud.EpochLedger{}
	}
	for i := range ledger.Epochs {
		if ledger.Epochs[i].GivenUp == nil {
			ledger.Epochs[i].GivenUp = []cloud.GivenUp{}
		}
		for _, list := range []*[]cloud.Gap{&ledger.Epochs[i].Gaps, &ledger.Epochs[i].Thinned} {
			if *list == nil {
				*list = []cloud.Gap{} // no gaps is a list too
			}
		}
	}
	reply(w, http.StatusOK, ledger)
	return nil
}
