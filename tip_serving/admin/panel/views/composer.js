// The form for a new experiment: what it takes is told beside it while it is filled in, and every fault at its field.
// What is filled in is kept by the tab, so neither a session that ends nor a page that is loaded anew loses it.
import { Faults } from "tip-panel";

const DRAFT = "tip-draft";
const NUMBERS = ["n_tips", "n_scenarios", "temperature", "max_model_b", "sampling_seed", "max_cost_usd"];

export default {
  components: { Faults },
  props: { known: Object, faults: { type: Array, default: () => [] }, bill: Object, busy: Boolean, begun: Boolean, refusals: Number },
  data() {
    const asked = { ...this.known.defaults };
    for (const name of NUMBERS) asked[name] = asked[name] === null ? "" : String(asked[name]);
    const fresh = JSON.stringify({ asked, suffix: "", models: this.known.models });
    const draft = JSON.parse(sessionStorage.getItem(DRAFT));
    return { ...JSON.parse(fresh), ...draft, fresh, further: "", is_draft: Boolean(draft) };
  },
  computed: {
    others() {
      const placed = ["experiment", "models", "prompts", "scenarios", ...NUMBERS];
      return this.faults.filter((fault) => !placed.some((name) => fault.field === name || fault.field.startsWith(name + ".")));
    },
  },
  watch: {
    asked: { deep: true, handler() { this.weigh(); } },
    suffix() { this.weigh(); },
    begun() { sessionStorage.removeItem(DRAFT); },
    refusals() { this.$nextTick(() => this.$el.querySelector("input[aria-invalid=true], select[aria-invalid=true], [aria-invalid=true] input")?.focus()); },
  },
  mounted() { this.ask(); },
  methods: {
    spec() {
      const spec = { ...this.asked, experiment: "tip-bench-" + this.suffix.trim() };
      for (const name of NUMBERS) {
        const text = String(spec[name]).trim();
        // What is no number is sent as it was written: the answer names it.
        spec[name] = text === "" ? null : Number.isNaN(Number(text)) ? text : Number(text);
        if (spec[name] === null && !["max_model_b", "max_cost_usd"].includes(name)) spec[name] = "";
      }
      return spec;
    },
    weigh() {
      sessionStorage.setItem(DRAFT, JSON.stringify({ asked: this.asked, suffix: this.suffix, models: this.models }));
      this.ask();
    },
    afresh() {
      Object.assign(this, JSON.parse(this.fresh));
      this.is_draft = false;
      this.$nextTick(() => sessionStorage.removeItem(DRAFT));
    },
    ask() {
      clearTimeout(this.waiting);
      const spec = this.spec();
      // Nobody is told off for a name that is still to come; starting without one is refused.
      if (!this.suffix.trim()) spec.experiment = "tip-bench-without-a-name-yet";
      this.waiting = setTimeout(() => this.$emit("weigh", spec), 300);
    },
    start() {
      clearTimeout(this.waiting);
      this.$emit("start", this.spec());
    },
    add() {
      const name = this.further.trim();
      if (!name) return;
      if (!this.models.some((model) => model.name === name)) this.models.push({ name, about: "named by hand" });
      if (!this.asked.models.includes(name)) this.asked.models.push(name);
      this.further = "";
    },
    bad(name) {
      return this.faults.some((fault) => fault.field === name || fault.field.startsWith(name + ".")) ? "true" : null;
    },
  },
  template: `
    <div>
      <div class="head"><div><p class="kicker"><a href="/">Experiments</a></p><h1>New experiment</h1>
        <p class="lead">Every chosen model writes with every chosen prompt, over the same situations.</p></div></div>
      <div class="compose">
        <form @submit.prevent="start" novalidate id="composer">
          <p v-if="is_draft" class="note" role="status">What you had filled in before is here again. <button type="button" class="link" @click="afresh">Begin afresh</button></p>
          <div v-if="others.length" class="note bad" role="alert"><p v-for="fault in others"><strong>{{ fault.field }}</strong>: {{ fault.message }}</p></div>
          <section><div class="field" style="max-width: 32rem">
            <label for="f-experiment">Name</label>
            <div class="prefixed"><span class="mono">tip-bench-</span>
              <input id="f-experiment" v-model="suffix" autocomplete="off" spellcheck="false" autofocus :aria-invalid="bad('experiment')" aria-describedby="e-experiment h-experiment"></div>
            <small id="h-experiment">Lower-case letters, digits and hyphens. It never changes afterwards.</small>
            <Faults id="e-experiment" of="experiment" :all="faults"/>
          </div></section>
          <section><fieldset :aria-invalid="bad('models')" aria-describedby="e-models"><legend class="hidden">Models</legend><h2>Models</h2>
            <p class="say">{{ asked.models.length }} chosen</p>
            <Faults id="e-models" of="models" :all="faults"/>
            <div class="picks"><label v-for="model in models" :key="model.name"><input type="checkbox" :value="model.name" v-model="asked.models">
              <span><bdi class="cell-name">{{ model.name }}</bdi><small>{{ model.about }}</small></span></label></div>
            <div class="adder"><label class="hidden" for="f-further">Another model</label>
              <input id="f-further" v-model="further" placeholder="provider/model, as LiteLLM names it" autocomplete="off" spellcheck="false" @keydown.enter.prevent="add">
              <button type="button" @click="add">Add</button></div>
          </fieldset></section>
          <section><fieldset :aria-invalid="bad('prompts')" aria-describedby="e-prompts"><legend class="hidden">Prompts</legend><h2>Prompts</h2>
            <p class="say">{{ asked.prompts.length }} chosen &middot; <a href="/prompts">read their texts</a></p>
            <Faults id="e-prompts" of="prompts" :all="faults"/>
            <div class="picks"><label v-for="prompt in known.prompts" :key="prompt.version"><input type="checkbox" :value="prompt.version" v-model="asked.prompts">
              <span><bdi class="cell-name mono">{{ prompt.version }}</bdi><small>{{ prompt.summary }}</small></span></label></div>
          </fieldset></section>
          <section><h2>Situations and samples</h2><div class="fields" style="margin-top: 1rem">
            <div class="field"><label for="f-scenarios">Situations from</label><select id="f-scenarios" v-model="asked.scenarios" :aria-invalid="bad('scenarios')" aria-describedby="e-scenarios">
              <option v-for="set in known.sets" :value="set.name">{{ set.label }}</option></select><Faults id="e-scenarios" of="scenarios" :all="faults"/></div>
            <div class="field"><label for="f-n_scenarios">How many situations</label><input id="f-n_scenarios" inputmode="numeric" v-model="asked.n_scenarios" :aria-invalid="bad('n_scenarios')" aria-describedby="e-n_scenarios"><Faults id="e-n_scenarios" of="n_scenarios" :all="faults"/></div>
            <div class="field"><label for="f-n_tips">Tips for each</label><input id="f-n_tips" inputmode="numeric" v-model="asked.n_tips" :aria-invalid="bad('n_tips')" aria-describedby="e-n_tips"><Faults id="e-n_tips" of="n_tips" :all="faults"/></div>
            <div class="field"><label for="f-temperature">Temperature</label><input id="f-temperature" inputmode="decimal" v-model="asked.temperature" :aria-invalid="bad('temperature')" aria-describedby="e-temperature"><Faults id="e-temperature" of="temperature" :all="faults"/></div>
            <div class="field"><label for="f-sampling_seed">Sampling seed</label><input id="f-sampling_seed" inputmode="numeric" v-model="asked.sampling_seed" :aria-invalid="bad('sampling_seed')" aria-describedby="e-sampling_seed"><Faults id="e-sampling_seed" of="sampling_seed" :all="faults"/></div>
          </div></section>
          <section><h2>Limits</h2><div class="fields" style="margin-top: 1rem">
            <div class="field"><label for="f-max_cost_usd">Stop at a cost of, US dollars</label><input id="f-max_cost_usd" inputmode="decimal" v-model="asked.max_cost_usd" placeholder="no limit" :aria-invalid="bad('max_cost_usd')" aria-describedby="e-max_cost_usd"><Faults id="e-max_cost_usd" of="max_cost_usd" :all="faults"/></div>
            <div class="field"><label for="f-max_model_b">Skip models above, billion parameters</label><input id="f-max_model_b" inputmode="decimal" v-model="asked.max_model_b" placeholder="no limit" :aria-invalid="bad('max_model_b')" aria-describedby="e-max_model_b"><Faults id="e-max_model_b" of="max_model_b" :all="faults"/></div>
          </div></section>
        </form>
        <aside class="bill" aria-labelledby="bill-title"><h2 id="bill-title">What it takes</h2>
          <div aria-live="polite">
            <p v-if="!bill" class="say">{{ faults.length ? "Known once every field is in order." : "Counting \u2026" }}</p>
            <template v-else>
              <dl><div class="total"><dt>Calls</dt><dd id="n-calls">{{ bill.calls }}</dd></div>
                <div><dt>Cells</dt><dd>{{ bill.cells }}</dd></div>
                <div v-if="bill.there"><dt>Already there</dt><dd>{{ bill.there }}</dd></div>
                <div><dt>Cost, at most</dt><dd>{{ bill.cost }}</dd></div>
                <div><dt>Writing them, about</dt><dd>{{ bill.time }}</dd></div></dl>
              <p v-for="remark in bill.remarks" class="say">{{ remark }}</p>
            </template>
          </div>
          <div class="acts"><button form="composer" class="primary" :disabled="busy">{{ busy ? "Starting \u2026" : "Start" }}</button></div>
        </aside>
      </div>
    </div>`,
};
