// One release: how far it is, by which numbers, who decided what, and the two words that an admin has in it.

const Findings = {
  props: { of: Array },
  computed: {
    drawn() { return this.of.some((one) => one.rail); },
  },
  template: `
    <div>
      <p v-if="drawn" class="rails-key" aria-hidden="true"><span>&larr; better</span><span>worse &rarr;</span><span class="alert">&#9482; its margin</span></p>
      <ul class="verdicts"><li v-for="one in of" :data-name="one.name">
        <span class="name">{{ one.name }}<br><span class="phase" :class="'t-' + one.tone">{{ one.outcome }}</span></span><span>{{ one.sentence }}</span>
        <span class="rail" v-if="one.rail"><svg role="img" :aria-label="one.rail.label"><line class="zero" x1="50%" x2="50%" y1="0" y2="100%"/><line class="margin" :x1="one.rail.margin + '%'" :x2="one.rail.margin + '%'" y1="0" y2="100%"/>
          <line class="reach" :class="one.rail.look" :x1="one.rail.low + '%'" :x2="one.rail.high + '%'" y1="50%" y2="50%"/></svg></span>
      </li></ul>
    </div>`,
};

export default {
  components: { Findings },
  props: { page: Object, watched: Object, may_act: Boolean, faults: { type: Array, default: () => [] } },
  data() {
    return { doing: null, reason: "" };
  },
  computed: {
    fault() { return this.faults.map((one) => one.message).join(" "); },
  },
  methods: {
    begin(what) {
      this.doing = what;
      this.reason = "";
      this.$nextTick(() => this.$refs.reason.focus());
    },
    say() {
      this.$emit(this.doing, { reason: this.reason });
      if (this.doing === "approve" || this.reason.trim()) this.doing = null;
    },
  },
  template: `
    <div>
      <div v-if="!page" class="bones" role="status" aria-label="Loading"><span v-for="n in 6"></span></div>
      <template v-else>
        <div class="head">
          <div><p class="kicker"><a href="/releases">Releases</a></p><h1><bdi>{{ page.title }}</bdi></h1>
            <p class="lead"><span class="phase" :class="'t-' + page.tone" style="font: inherit">{{ page.phase }}</span>. {{ page.sentence }}</p></div>
          <div v-if="may_act" class="acts">
            <button v-if="page.may_approve" type="button" class="primary" @click="begin('approve')" :aria-expanded="String(doing === 'approve')">Approve</button>
            <button v-if="page.may_roll_back" type="button" class="danger" @click="begin('rollback')" :aria-expanded="String(doing === 'rollback')">Roll back</button>
          </div>
        </div>
        <form v-if="doing" class="note" :class="doing === 'rollback' ? 'bad' : 'good'" @submit.prevent="say" novalidate>
          <p><strong>{{ doing === 'rollback' ? 'What was served before is served again, to everybody, at once.' : 'It goes to people from here on, share by share.' }}</strong></p>
          <div class="say-why"><div class="field"><label for="reason">{{ doing === 'rollback' ? 'Why' : 'What you looked at, if you like' }}</label><input id="reason" ref="reason" v-model="reason" maxlength="500" autocomplete="off" :aria-invalid="fault ? 'true' : null" aria-describedby="reason-fault"><span id="reason-fault" aria-live="polite"><span v-if="fault" class="fault">{{ fault }}</span></span></div>
            <div class="acts"><button class="primary" :disabled="doing === 'rollback' && !reason.trim()">{{ doing === 'rollback' ? 'Roll back' : 'Approve' }}</button><button type="button" @click="doing = null">Leave it</button></div></div>
        </form>
        <p class="say" id="why"><strong v-for="reason in page.reasons" class="line">{{ reason }}</strong><template v-if="page.next">Next: {{ page.next }}.</template></p>
        <p v-if="page.note" class="say">&ldquo;{{ page.note }}&rdquo;</p>
        <ol class="stages" aria-label="How far it is"><li v-for="stage in page.stages" :class="'is-' + stage.state" :aria-current="stage.state === 'now' ? 'step' : null"><strong>{{ stage.name }}</strong><small>{{ stage.note || { now: 'now', next: 'to come' }[stage.state] }}</small></li></ol>
        <dl class="facts" style="margin-top: 2rem"><div v-for="fact in page.facts"><dt>{{ fact.term }}</dt><dd>{{ fact.value }}<small v-if="fact.note">{{ fact.note }}</small></dd></div></dl>
        <nav class="jump" aria-label="Model cards"><a v-for="card in page.cards" class="out" :href="card.href" target="_blank" rel="noopener">Card of the {{ card.title.toLowerCase() }} {{ card.version }}</a></nav>

        <section v-if="watched" id="watched" aria-labelledby="watched-title">
          <h2 id="watched-title">As it stands</h2><p class="say">{{ watched.words }}. Bounds hold at every look.</p><Findings :of="watched.findings"/>
        </section>
        <section v-for="group in page.groups" :aria-label="group.title"><h2>{{ group.title }}</h2><Findings :of="group.findings" style="margin-top: 1.25rem"/>
          <details v-if="group.folded.length" class="left-out"><summary>{{ group.say }}</summary><Findings :of="group.folded"/></details></section>

        <section id="history" aria-labelledby="history-title">
          <h2 id="history-title">What was decided</h2>
          <p v-if="!page.steps.length" class="say">Nothing yet.</p>
          <ol class="history" style="margin-top: 1.25rem"><li v-for="step in page.steps" :key="step.number"><time :datetime="step.at_iso">{{ step.at }}</time><div>
            <strong>{{ step.kind }}</strong> <span class="by">by <bdi>{{ step.by }}</bdi></span><p>{{ step.reason }}</p>
            <details v-if="step.findings.length"><summary>{{ step.findings.length }} findings it rests on</summary><ul><li v-for="one in step.findings"><strong>{{ one.name }}</strong>, {{ one.outcome }}: {{ one.sentence }}</li></ul></details></div></li></ol>
        </section>
      </template>
    </div>`,
};
