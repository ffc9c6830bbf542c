// One tip at a time, or a pair. What was said waits in an outbox, kept by the browser, until the server has it for good:
// neither a dropped network nor a closed window loses it.
import { Progress, Situation } from "tip-panel";

const RESEND_MS = 3000;

export default {
  components: { Progress, Situation },
  props: { page: Object, turn: Object, settled: Object },
  data() {
    return { points: {}, at: 0, comment: "", is_commenting: false, said: {}, times: [], outbox: this.kept(), refused: "" };
  },
  computed: {
    item() { return this.turn.item; },
    names() { return this.turn.criteria.map((criterion) => criterion.name); },
    is_pairs() { return this.turn.kind === "pair"; },
    pace() {
      const times = this.times.slice(-11);
      return times.length < 4 ? "" : Math.round((times.length - 1) / ((times.at(-1) - times[0]) / 60000)) + " a minute";
    },
    status() {
      if (this.outbox) return "not saved yet, it is sent again";
      return this.times.length ? "all saved" : "";
    },
  },
  watch: {
    "turn.item.item": { immediate: true, handler: "open" },
    settled(answer) {
      this.refused = answer.fault || "";
      if (this.outbox && answer.item === this.outbox.item) this.keep(null);
    },
  },
  mounted() {
    window.addEventListener("keydown", this.key);
    this.resending = setInterval(this.send, RESEND_MS);
    this.send();
  },
  unmounted() {
    window.removeEventListener("keydown", this.key);
    clearInterval(this.resending);
  },
  methods: {
    store() { return ["tip-outbox", this.page.who, this.page.experiment, this.turn.kind].join(":"); },
    kept() {
      try { return JSON.parse(localStorage.getItem(this.store())); } catch { return null; }
    },
    keep(answer) {
      this.outbox = answer;
      if (answer) localStorage.setItem(this.store(), JSON.stringify(answer));
      else localStorage.removeItem(this.store());
    },
    send() { if (this.outbox) this.$emit("judged", this.outbox); },
    open() {
      const said = this.item ? this.said[this.item.item] : null;
      this.points = said?.scores ? { ...said.scores } : {};
      this.comment = said?.comment || "";
      this.is_commenting = Boolean(this.comment);
      this.at = 0;
      window.scrollTo(0, 0);
    },
    give(value) {
      if (this.outbox) return;
      this.points = { ...this.points, [this.names[this.at]]: value };
      const next = this.names.findIndex((name) => !(name in this.points));
      if (next === -1) this.finish({ scores: this.points });
      else this.at = next;
    },
    finish(answer) {
      if (this.outbox || !this.item) return;
      const said = { item: this.item.item, comment: this.comment.trim(), ...answer };
      this.said[said.item] = said;
      this.times.push(Date.now());
      this.keep(said);
      this.send();
    },
    later() { if (!this.outbox && this.item) this.$emit("later", this.item.item); },
    undo() { if (!this.outbox && this.turn.can_undo) { this.times.pop(); this.$emit("undo", null); } },
    meaning(criterion, i) {
      const given = this.points[criterion.name];
      if (given) return given + ": " + criterion.anchors[given - 1];
      return i === this.at ? "1: " + criterion.anchors[0] + " \u2026 " + criterion.anchors.length + ": " + criterion.anchors.at(-1) : "";
    },
    move(by) { this.at = Math.min(this.names.length - 1, Math.max(0, this.at + by)); },
    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (["TEXTAREA", "SELECT"].includes(event.target.tagName) || event.target.type === "text") {
        if (event.key === "Escape" || event.key === "Enter") event.target.blur();
        return;
      }
      if (!this.act(event)) return;
      event.preventDefault();
    },
    act(event) {
      const digit = /^(?:Digit|Numpad)([1-5])$/.exec(event.code)?.[1] ?? (/^[1-5]$/.test(event.key) ? event.key : null);
      if (["u", "Backspace"].includes(event.key) || (event.key === "ArrowLeft" && !this.is_pairs)) return this.undo(), true;
      if (!this.item) return false;
      if (event.key === "s" || (event.key === "ArrowRight" && !this.is_pairs)) return this.later(), true;
      if (event.key === "c") {
        this.is_commenting = true;
        this.$nextTick(() => this.$refs.comment.focus());
        return true;
      }
      if (this.is_pairs) {
        const preferred = { ArrowLeft: "first", 1: "first", ArrowRight: "second", 2: "second", ArrowDown: "tie", 3: "tie" }[event.key];
        if (preferred) this.finish({ preferred });
        return Boolean(preferred);
      }
      if (digit && event.shiftKey) {
        this.finish({ scores: { ...Object.fromEntries(this.names.map((name) => [name, Number(digit)])), ...this.points } });
      } else if (digit) this.give(Number(digit));
      else if (event.key === "ArrowDown") this.move(1);
      else if (event.key === "ArrowUp") this.move(-1);
      else return false;
      return true;
    },
  },
  template: `
    <div class="desk">
      <div class="desk-bar">
        <div><p class="kicker"><a href="/judge">Judge</a></p><h1><bdi>{{ page.experiment }}</bdi></h1></div>
        <div class="tally"><strong id="n-done">{{ turn.n_done }}</strong> of {{ turn.n_total }} <small v-if="pace">&middot; {{ pace }}</small><br>
          <span class="outbox" :class="{ 'is-waiting': outbox }" role="status">{{ status }}</span></div>
        <Progress :share="turn.n_total ? turn.n_done / turn.n_total : 1" label="Judged"/>
      </div>
      <div v-if="refused" class="note bad" role="alert"><p>That was not taken: {{ refused }}</p></div>
      <div v-if="!item" class="empty">
        <h2>{{ turn.n_total ? "All judged" : "Nothing to judge" }}</h2>
        <p>{{ turn.n_total ? "You have said something about every item. The ranking takes it in within moments." : "There are no tips here yet. They come as soon as cells have ended." }}</p>
        <div class="acts" style="justify-content: center"><button v-if="turn.can_undo" type="button" @click="undo">Back to the last one</button><a class="button" href="/judge">Other work</a></div>
      </div>
      <div v-else :aria-busy="outbox ? 'true' : null">
        <Situation v-if="item.situation" :situation="item.situation"/>
        <p v-else class="say">Nothing is known of the situation.</p>
        <template v-if="is_pairs">
          <div class="pair" role="group" aria-label="Which tip is better?">
            <button type="button" @click="finish({ preferred: 'first' })"><span class="tag">The first is better <kbd>&larr;</kbd></span><span class="tip" dir="auto">{{ item.first }}</span></button>
            <button type="button" @click="finish({ preferred: 'second' })"><span class="tag">The second is better <kbd>&rarr;</kbd></span><span class="tip" dir="auto">{{ item.second }}</span></button>
          </div>
          <button type="button" @click="finish({ preferred: 'tie' })">Equally good <kbd>&darr;</kbd></button>
        </template>
        <template v-else>
          <p class="tip" dir="auto" id="tip">{{ item.tip }}</p>
          <div class="criteria">
            <fieldset v-for="(criterion, i) in turn.criteria" :key="item.item + criterion.name" class="criterion" :class="{ 'is-now': i === at }" :aria-labelledby="'c-' + i">
              <div><span class="name" :id="'c-' + i">{{ criterion.name }}</span> <span class="asks">{{ criterion.question }}</span>
                <span class="meaning">{{ meaning(criterion, i) }}</span></div>
              <div class="points"><label v-for="n in turn.scale_max" :title="criterion.anchors[n - 1]"><input type="radio" :name="criterion.name" :value="n" :checked="points[criterion.name] === n"
                @click="at = i; give(n)" :aria-label="n + ': ' + criterion.anchors[n - 1]">{{ n }}</label></div>
            </fieldset>
          </div>
        </template>
        <div class="desk-foot">
          <button type="button" :disabled="!turn.can_undo || outbox" @click="undo">Undo <kbd>{{ is_pairs ? "u" : "\u2190" }}</kbd></button>
          <button type="button" @click="later" :disabled="outbox">Later <kbd>{{ is_pairs ? "s" : "\u2192" }}</kbd></button>
          <button v-if="!is_commenting" type="button" class="quiet" @click="is_commenting = true">Comment <kbd>c</kbd></button>
          <div v-else class="field"><label class="hidden" for="comment">Comment</label><input id="comment" ref="comment" type="text" v-model="comment" maxlength="2000" placeholder="A word on this one, if you like"></div>
        </div>
        <p class="keys" v-if="!is_pairs"><span><kbd>1</kbd>&ndash;<kbd>5</kbd> points, then on by itself</span><span><kbd>Shift</kbd> <kbd>1</kbd>&ndash;<kbd>5</kbd> the same for all that is left</span><span><kbd>&uarr;</kbd> <kbd>&darr;</kbd> criterion</span></p>
        <p class="keys" v-else><span><kbd>&larr;</kbd> <kbd>&rarr;</kbd> the better one</span><span><kbd>&darr;</kbd> a tie</span><span><kbd>u</kbd> undo</span><span><kbd>s</kbd> later</span></p>
      </div>
    </div>`,
};
